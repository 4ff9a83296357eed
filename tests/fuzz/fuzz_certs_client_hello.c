/* What a stranger's first bytes do to an accepting SSL.
 *
 * The first byte of the input says how certificates are answered and whether the rest is the stream
 * itself or the body of a ClientHello, which then gets its frames, so that mutations reach deep. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "certs/leaf.h"
#include "certs/server_tls.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/span.h"

#define MODE_ANSWER 0x03 /* which answer() */
#define MODE_FRAMED 0x04
#define MODE_TWICE 0x08 /* tried again before the answer has come */

#define ZONE "dev.example.com"

static struct config *config;
static struct ca *ca;
static struct cert *session_cert;
static struct ticket_keys keys;

static struct server_tls *server;
static char asked[256]; /* the base, "" when nothing was asked */

static void on_ask(void *ctx, const char *base)
{
    (void)ctx;
    CHECK(base[0] && span_copy_z(span_str(base), asked, sizeof asked) == ERR_OK);
}

static void on_ready(struct cert_waiter *w)
{
    CHECK(w->cert || w->refused);
}

static void set_up(void)
{
    struct config_errors errors = {NULL, 0};
    struct span yaml = SPAN_LIT("zone: " ZONE "\n"
                                "addresses: [192.0.2.1]\n"
                                "nameservers: [ns1]\n"
                                "state: /nowhere\n"
                                "services: [{name: web, url: \"http://127.0.0.1:3000\"}]\n");
    CHECK(config_parse("/fuzz.yaml", yaml, &config, &errors) == ERR_OK);
    int64_t now_s = clock_wall_ms() / 1000;
    CHECK(ca_make(ZONE, now_s, &ca) == ERR_OK);
    CHECK(leaf_issue(ca, "one." ZONE, now_s, &session_cert) == ERR_OK);
    ticket_keys_rotate(&keys);
}

static void answer(unsigned how)
{
    if (!asked[0])
        return;
    struct cert *c;
    switch (how) {
    case 0:
        CHECK(leaf_issue(ca, asked, clock_wall_ms() / 1000, &c) == ERR_OK);
        server_tls_put(server, c);
        cert_unref(c);
        break;
    case 1:
        server_tls_refuse(server, asked);
        break;
    default:
        break; /* never */
    }
}

static uint8_t *put_u16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

/* A record of a handshake message of a ClientHello's body. */
static void write_framed(BIO *in, const uint8_t *data, size_t size)
{
    uint8_t head[9] = {22, 3, 1};
    if (size > 16000)
        size = 16000;
    uint8_t *p = put_u16(head + 3, size + 4);
    *p++ = 1;
    *p++ = 0;
    put_u16(p, size);
    BIO_write(in, head, sizeof head);
    BIO_write(in, data, (int)size);
}

static void try_handshake(SSL *ssl)
{
    int rc = SSL_do_handshake(ssl);
    (void)SSL_get_error(ssl, rc);
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!config)
        set_up();
    if (size < 1 || size > 64 * 1024)
        return 0;
    unsigned mode = data[0];
    asked[0] = '\0';
    struct server_tls_asks asks = {.ask = on_ask};
    server = server_tls_new(config, &asks);
    server_tls_set_ticket_keys(server, &keys);
    server_tls_put(server, session_cert);

    struct cert_waiter w = {.on_ready = on_ready};
    SSL *ssl = server_tls_accept(server, &w);
    CHECK(ssl);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    if (mode & MODE_FRAMED)
        write_framed(in, data + 1, size - 1);
    else
        BIO_write(in, data + 1, (int)(size - 1));

    try_handshake(ssl);
    if (mode & MODE_TWICE)
        try_handshake(ssl);
    answer(mode & MODE_ANSWER);
    try_handshake(ssl);
    cert_waiter_deinit(&w);
    SSL_free(ssl);
    server_tls_free(server);
    return 0;
}
