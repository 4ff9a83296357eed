/* Two connections over a socket pair, on one loop: in clear, or one of them a TLS server to the other. */
#pragma once

#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs/ca.h"
#include "certs/leaf.h"
#include "core/mem.h"
#include "proxy/net/conn.h"
#include "support/test.h"

struct end {
    struct conn conn;
    struct buf got;
    int opened, rooms, drains, deadlines, flushes;
    enum err broken;
    bool eof, hold;   /* hold: input is left where it is */
    struct span feed; /* what is still to be written */
    size_t stop_at;   /* the loop is left when so much has come; 0: never */
    bool stop_on_end; /* ... or when the peer has ended or the connection is broken */
};

struct conn_bed {
    struct ev_loop *loop;
    struct conn_shared own, *shared;
    struct end a, b;
    int fds[2];
    SSL_CTX *server_ctx, *client_ctx;
};

static inline struct end *end_of(struct conn *c)
{
    return CONTAINER_OF(c, struct end, conn);
}

static inline void end_feed(struct end *e)
{
    while (e->feed.len > 0) {
        struct span part = span_sub(e->feed, 0, conn_room(&e->conn));
        if (part.len == 0)
            return;
        conn_write(&e->conn, part);
        e->feed = span_from(e->feed, part.len);
    }
}

static inline void end_on_open(struct conn *c)
{
    end_of(c)->opened++;
    end_feed(end_of(c));
}

static inline void end_on_input(struct conn *c)
{
    struct end *e = end_of(c);
    if (!e->hold && buf_len(&c->in) > 0) {
        assert_ok(buf_append(&e->got, buf_span(&c->in)));
        conn_consume(c, buf_len(&c->in));
    }
    e->eof = c->eof;
    if ((e->stop_at && buf_len(&e->got) >= e->stop_at) || (e->eof && e->stop_on_end))
        ev_break(c->shared->loop, EVBREAK_ONE);
}

static inline void end_on_room(struct conn *c)
{
    end_of(c)->rooms++;
    end_feed(end_of(c));
}

static inline void end_on_drained(struct conn *c)
{
    end_of(c)->drains++;
    ev_break(c->shared->loop, EVBREAK_ONE);
}

static inline void end_on_flush(struct conn *c)
{
    end_of(c)->flushes++;
}

static inline void end_on_deadline(struct conn *c)
{
    end_of(c)->deadlines++;
    ev_break(c->shared->loop, EVBREAK_ONE);
}

static inline void end_on_broken(struct conn *c, enum err why)
{
    end_of(c)->broken = why;
    if (end_of(c)->stop_on_end)
        ev_break(c->shared->loop, EVBREAK_ONE);
}

static const struct conn_ops end_ops = {
    .on_open = end_on_open,
    .on_input = end_on_input,
    .on_flush = end_on_flush,
    .on_room = end_on_room,
    .on_drained = end_on_drained,
    .on_deadline = end_on_deadline,
    .on_broken = end_on_broken,
};

static inline void bed_open(struct conn_bed *b, SSL *a_ssl, SSL *b_ssl)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, b->fds), 0);
    buf_init(&b->a.got, 64 << 20);
    buf_init(&b->b.got, 64 << 20);
    conn_init_accepted(&b->a.conn, b->shared, &end_ops, b->fds[0], a_ssl);
    conn_init_accepted(&b->b.conn, b->shared, &end_ops, b->fds[1], b_ssl);
    conn_start(&b->a.conn);
    conn_start(&b->b.conn);
}

static inline void bed_init(struct conn_bed *b)
{
    memset(b, 0, sizeof *b);
    b->loop = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(b->loop);
    conn_shared_init(&b->own, b->loop);
    b->shared = &b->own;
}

static inline void bed_open_clear(struct conn_bed *b)
{
    bed_init(b);
    bed_open(b, NULL, NULL);
}

/* A is the server. */
static inline void bed_add_tls(struct conn_bed *b)
{
    struct ca *ca;
    struct cert *cert;
    assert_ok(ca_make("bed.test", 1790000000, &ca));
    assert_ok(leaf_issue(ca, "bed.test", 1790000000, &cert));
    b->server_ctx = SSL_CTX_new(TLS_method());
    b->client_ctx = SSL_CTX_new(TLS_method());
    SSL *server = SSL_new(b->server_ctx), *client = SSL_new(b->client_ctx);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    assert_ok(cert_use(cert, server));
    cert_unref(cert);
    ca_unref(ca);
    bed_open(b, server, client);
}

static inline void bed_open_tls(struct conn_bed *b)
{
    bed_init(b);
    bed_add_tls(b);
}

/* A second pair on the loop of the first, which is closed after it. */
static inline void bed_open_tls_on(struct conn_bed *b, struct conn_bed *first)
{
    memset(b, 0, sizeof *b);
    b->loop = first->loop;
    b->shared = first->shared;
    bed_add_tls(b);
}

static inline void bed_close(struct conn_bed *b)
{
    conn_close(&b->a.conn);
    conn_close(&b->b.conn);
    buf_deinit(&b->a.got);
    buf_deinit(&b->b.got);
    if (b->server_ctx)
        SSL_CTX_free(b->server_ctx);
    if (b->client_ctx)
        SSL_CTX_free(b->client_ctx);
    if (b->shared != &b->own)
        return;
    conn_shared_deinit(b->shared);
    ev_loop_destroy(b->loop);
}

/* N bytes that tell where they stand. */
static inline char *bed_pattern(size_t n)
{
    char *p = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)((i * 2654435761u) >> 24);
    return p;
}
