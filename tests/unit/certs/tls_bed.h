/* A client and a server that shake hands in memory. */
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "certs/naming.h"
#include "certs/server_tls.h"
#include "unit/certs/certs_bed.h"

/* What the server asked control for. */
struct bed_asks {
    char bases[SERVER_TLS_ASKS_MAX + 8][CERT_BASE_MAX];
    size_t n;
    struct server_tls *answer_at_once; /* with this, from within the question */
    struct ca *ca;                     /* NULL: it is refused */
};

static inline void bed_ask(void *ctx, const char *base)
{
    struct bed_asks *a = ctx;
    assert_true(a->n < ARRAY_LEN(a->bases));
    assert_ok(span_copy_z(span_str(base), a->bases[a->n++], CERT_BASE_MAX));
    if (!a->answer_at_once)
        return;
    if (!a->ca) {
        server_tls_refuse(a->answer_at_once, base);
        return;
    }
    struct cert *c = bed_cert(a->ca, base);
    server_tls_put(a->answer_at_once, c);
    cert_unref(c);
}

static inline struct server_tls *bed_server(struct config *c, struct bed_asks *asks)
{
    struct server_tls_asks ops = {.ctx = asks, .ask = bed_ask};
    return server_tls_new(c, &ops);
}

/* One connection. */
struct bed_pair {
    SSL *client, *server;
    BIO *client_bio, *server_bio;
    struct cert_waiter w;
    int ready;        /* how often on_ready was called */
    int alert;        /* the last one the client received, -1: none */
    int server_error; /* what SSL_get_error last said */
    SSL_SESSION *session;
};

static inline struct bed_pair *bed_pair_of(struct cert_waiter *w)
{
    return CONTAINER_OF(w, struct bed_pair, w);
}

static inline void bed_on_ready(struct cert_waiter *w)
{
    bed_pair_of(w)->ready++;
}

static inline void bed_on_info(const SSL *ssl, int type, int value)
{
    struct bed_pair *p = SSL_get_app_data(ssl);
    if (type == SSL_CB_READ_ALERT)
        p->alert = value & 0xff;
}

static inline int bed_on_session(SSL *ssl, SSL_SESSION *session)
{
    struct bed_pair *p = SSL_get_app_data(ssl);
    SSL_SESSION_free(p->session);
    p->session = session;
    return 1;
}

/* Verifies against CA when it is given. */
static inline SSL_CTX *bed_client_ctx(struct ca *ca)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    assert_non_null(ctx);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, bed_on_session);
    SSL_CTX_set_info_callback(ctx, bed_on_info);
    if (ca) {
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca_x509(ca)), 1);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    }
    return ctx;
}

/* P must not move. HOST may be NULL: no SNI. */
static inline void bed_pair_init(struct bed_pair *p, struct server_tls *t, SSL_CTX *client_ctx,
                                 const char *host)
{
    memset(p, 0, sizeof *p);
    p->alert = -1;
    p->w.on_ready = bed_on_ready;
    p->server = server_tls_accept(t, &p->w);
    p->client = SSL_new(client_ctx);
    assert_true(p->server && p->client);
    SSL_set_app_data(p->client, p);
    SSL_set_connect_state(p->client);
    assert_true(!host || SSL_set_tlsext_host_name(p->client, host));
    assert_true(BIO_new_bio_pair(&p->client_bio, 0, &p->server_bio, 0));
    SSL_set_bio(p->client, p->client_bio, p->client_bio);
    SSL_set_bio(p->server, p->server_bio, p->server_bio);
}

static inline void bed_pair_deinit(struct bed_pair *p)
{
    cert_waiter_deinit(&p->w);
    SSL_free(p->server);
    SSL_free(p->client);
    SSL_SESSION_free(p->session);
    ERR_clear_error();
}

static inline bool bed_step(SSL *ssl, int *error)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(ssl);
    *error = SSL_get_error(ssl, rc);
    return rc == 1;
}

/* Lets both go on as far as they get: true when the handshake is done. */
static inline bool bed_run(struct bed_pair *p)
{
    int client_error;
    for (int i = 0; i < 6; i++) {
        bool client = bed_step(p->client, &client_error);
        bool server = bed_step(p->server, &p->server_error);
        if (client && server) {
            /* TLS 1.3: tickets come as the first data. */
            char c;
            assert_int_equal(SSL_write(p->server, "x", 1), 1);
            assert_int_equal(SSL_read(p->client, &c, 1), 1);
            return true;
        }
        if (p->server_error == SSL_ERROR_SSL) {
            (void)bed_step(p->client, &client_error); /* it reads the alert */
            return false;
        }
    }
    return false;
}

static inline bool bed_suspended(const struct bed_pair *p)
{
    return p->server_error == SSL_ERROR_PENDING_CERTIFICATE;
}

/* Whether the certificate that the client sees is C. */
static inline bool bed_presented(const struct bed_pair *p, const struct cert *c)
{
    const STACK_OF(CRYPTO_BUFFER) *chain = SSL_get0_peer_certificates(p->client);
    if (!chain || sk_CRYPTO_BUFFER_num(chain) == 0)
        return false;
    const CRYPTO_BUFFER *got = sk_CRYPTO_BUFFER_value(chain, 0), *leaf = cert_leaf(c);
    return CRYPTO_BUFFER_len(got) == CRYPTO_BUFFER_len(leaf) &&
           memcmp(CRYPTO_BUFFER_data(got), CRYPTO_BUFFER_data(leaf), CRYPTO_BUFFER_len(leaf)) == 0;
}

static inline void bed_put(struct server_tls *t, struct ca *ca, const char *base)
{
    struct cert *c = bed_cert(ca, base);
    server_tls_put(t, c);
    cert_unref(c);
}
