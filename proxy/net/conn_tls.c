#include "proxy/net/conn_tls.h"

#include <openssl/bio.h>

#include "proxy/net/conn_parts.h"

/* --- ciphertext in and out --------------------------------------------------------------------- */

/* Where the next ciphertext is: what was kept while paused, else the scratch, else the socket. */
static struct span next_cipher(struct conn *c)
{
    if (buf_len(&c->cipher) > 0)
        return buf_span(&c->cipher);
    struct conn_shared *s = c->shared;
    if (s->scratch_owner == c && s->scratch_rest.len > 0)
        return s->scratch_rest;
    if (!c->may_recv)
        return span_of(NULL, 0);
    ssize_t n = conn_recv(c, s->scratch, CONN_SCRATCH);
    /* Less than asked for: the socket is empty, and another call would only say so. */
    c->may_recv = n == CONN_SCRATCH;
    if (n <= 0)
        return span_of(NULL, 0);
    s->scratch_owner = c;
    s->scratch_rest = span_of(s->scratch, (size_t)n);
    return s->scratch_rest;
}

static void consume_cipher(struct conn *c, size_t n)
{
    if (buf_len(&c->cipher) > 0)
        buf_consume(&c->cipher, n);
    else
        c->shared->scratch_rest = span_from(c->shared->scratch_rest, n);
}

/* Before the handshake is done nothing else is in `in`. */
static void keep_hello(struct conn *c, struct span s)
{
    conn_lend_in(c);
    if (buf_append(&c->in, s) != ERR_OK)
        conn_fail(c, ERR_FULL);
}

static int bio_read(BIO *bio, char *dst, int len)
{
    struct conn *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    struct span s = next_cipher(c);
    if (s.len == 0) {
        if (c->eof)
            return 0;
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = s.len < (size_t)len ? s.len : (size_t)len;
    memcpy(dst, s.p, n);
    if (c->keeps)
        keep_hello(c, span_of(dst, n));
    consume_cipher(c, n);
    return (int)n;
}

static int bio_write(BIO *bio, const char *src, int len)
{
    struct conn *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    conn_append_out(c, span_of(src, (size_t)len));
    return len;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *conn_tls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "conn");
    CHECK(m);
    CHECK(BIO_meth_set_read(m, bio_read));
    CHECK(BIO_meth_set_write(m, bio_write));
    CHECK(BIO_meth_set_ctrl(m, bio_ctrl));
    return m;
}

void conn_tls_attach(struct conn *c)
{
    BIO *bio = BIO_new(c->shared->bio_method);
    CHECK(bio);
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    BIO_up_ref(bio);
    SSL_set0_rbio(c->ssl, bio);
    SSL_set0_wbio(c->ssl, bio);
}

/* The scratch is the worker's: what of it this connection has not read yet moves to its own buffer. */
static void keep_scratch(struct conn *c)
{
    struct conn_shared *s = c->shared;
    if (s->scratch_owner != c)
        return;
    s->scratch_owner = NULL;
    if (c->closed || s->scratch_rest.len == 0)
        return;
    if (buf_append(&c->cipher, s->scratch_rest) != ERR_OK)
        conn_fail(c, ERR_MEMORY);
}

void conn_tls_move(struct conn *to, struct conn *c)
{
    keep_scratch(c);
    to->ssl = c->ssl;
    to->cipher = c->cipher;
    BIO_set_data(SSL_get_rbio(to->ssl), to);
    c->ssl = NULL;
    buf_init(&c->cipher, 0);
}

/* --- plaintext in and out ---------------------------------------------------------------------- */

/* Whether SSL_read may have more to give: it would only say that it wants more, and that is not cheap. */
static bool may_hold_more(const struct conn *c)
{
    const struct conn_shared *s = c->shared;
    bool in_scratch = s->scratch_owner == c && s->scratch_rest.len > 0;
    return c->may_recv || c->eof || in_scratch || buf_len(&c->cipher) > 0 ||
           SSL_pending(c->ssl) > 0;
}

/* Decrypts until the ciphertext is spent or `in` is full; how many bytes came. (Here and below: BoringSSL's
 * functions clear the queue of errors themselves before they begin.) */
static size_t decrypt(struct conn *c)
{
    size_t got = 0;
    for (;;) {
        size_t room;
        char *dst = conn_in_room(c, &room);
        if (!dst) {
            conn_pause(c);
            return got;
        }
        int n = SSL_read(c->ssl, dst, (int)room);
        if (n > 0) {
            buf_commit(&c->in, (size_t)n);
            got += (size_t)n;
            if (may_hold_more(c))
                continue;
            return got;
        }
        int e = SSL_get_error(c->ssl, n);
        if (e == SSL_ERROR_ZERO_RETURN)
            c->eof = true;
        else if (e == SSL_ERROR_SYSCALL && c->eof)
            c->cut = true; /* whether anything is missing, the framing above tells */
        else if (e != SSL_ERROR_WANT_READ)
            conn_fail(c, ERR_CRYPTO);
        return got;
    }
}

static void read_open(struct conn *c)
{
    size_t got = decrypt(c);
    if (got > 0)
        conn_learn_in(c, got, c->in.size);
    keep_scratch(c);
    if ((got > 0 || c->eof) && c->broken == ERR_OK)
        c->ops->on_input(c);
}

void conn_tls_read(struct conn *c)
{
    c->may_recv = true;
    if (c->handshaking)
        conn_tls_handshake(c);
    else
        read_open(c);
}

void conn_tls_reread(struct conn *c)
{
    c->may_recv = false;
    read_open(c);
}

static void finish_handshake(struct conn *c)
{
    c->handshaking = false;
    c->open = true;
    buf_release(&c->cipher); /* an idle connection holds nothing */
    c->ops->on_open(c);
    /* The first request often comes in the same segment as the client's Finished. */
    if (!c->closed && c->broken == ERR_OK)
        read_open(c);
}

void conn_tls_handshake(struct conn *c)
{
    int r = SSL_do_handshake(c->ssl);
    if (r == 1) {
        finish_handshake(c);
        keep_scratch(c);
        return;
    }
    int e = SSL_get_error(c->ssl, r);
    keep_scratch(c);
    if (e == SSL_ERROR_PENDING_CERTIFICATE) {
        /* The certificate is in the making. What the client sends meanwhile stays in the kernel. */
        conn_pause(c);
        if (c->ops->on_suspended)
            c->ops->on_suspended(c);
        return;
    }
    if (e == SSL_ERROR_WANT_READ && !c->eof)
        return;
    conn_fail(c, e == SSL_ERROR_SSL ? ERR_CRYPTO : ERR_CLOSED);
}

void conn_tls_write(struct conn *c, struct span s)
{
    while (s.len > 0 && c->broken == ERR_OK) {
        struct span part = span_sub(s, 0, TLS_RECORD_MAX);
        int n = SSL_write(c->ssl, part.p, (int)part.len);
        if (n != (int)part.len) {
            conn_fail(c, ERR_CRYPTO);
            return;
        }
        s = span_from(s, part.len);
    }
}

void conn_tls_notify_close(struct conn *c)
{
    (void)SSL_shutdown(c->ssl);
}
