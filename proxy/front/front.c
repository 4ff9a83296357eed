#include "proxy/front/front.h"

#include <unistd.h>

#include "certs/server_tls.h"
#include "core/fd.h"

static void free_front(struct turn_item *i)
{
    struct front *f = CONTAINER_OF(i, struct front, reap);
    mem_free(f);
}

/* Its connection has ended, or is another's. */
static void leave(struct front *f)
{
    if (f->kind == LISTEN_HTTPS)
        cert_waiter_deinit(&f->waiter);
    front_link_remove(f->proxy, &f->link);
    front_dismiss(f);
    if (f->watch)
        f->watch->closed(f->watch);
    f->reap.run = free_front;
    turn_reap(&f->proxy->conns.turn, &f->reap);
}

void front_close(struct front *f)
{
    if (f->conn.closed)
        return;
    conn_close(&f->conn);
    leave(f);
}

void front_hand_over(struct front *f, conn_taker *take, void *ctx)
{
    take(ctx, &f->conn, &f->client);
    CHECK(f->conn.closed);
    leave(f);
}

void front_write_staged(struct front *f)
{
    struct buf *s = &f->proxy->staging;
    conn_write(&f->conn, buf_span(s));
    buf_clear(s);
}

void front_linger(struct front *f)
{
    f->lingering = true;
    f->linger_until_ms = loop_now_ms(f->conn.shared->loop) + LINGER_MOST_MS;
    conn_shutdown_write(&f->conn);
    conn_consume(&f->conn, buf_len(&f->conn.in));
    conn_deadline_ms(&f->conn, LINGER_MS);
}

bool front_lingers_out(struct front *f)
{
    size_t n = buf_len(&f->conn.in);
    f->lingered += n;
    conn_consume(&f->conn, n);
    if (f->conn.eof || loop_now_ms(f->conn.shared->loop) >= f->linger_until_ms)
        return true;
    if (f->lingered > LINGER_BYTES) {
        /* So much can have been on its way before the client could read what we said last. */
        conn_stop_reading(&f->conn);
        conn_deadline_ms(&f->conn, LINGER_UNREAD_MS);
    } else {
        conn_deadline_ms(&f->conn, LINGER_MS);
    }
    return false;
}

const struct addr *front_local(struct front *f)
{
    if (f->local.len == 0 && fd_local_addr(f->conn.fd, &f->local) != ERR_OK)
        f->local = (struct addr){.len = sizeof f->local.sa}; /* of no family */
    return &f->local;
}

const struct addr *front_exchange_local(struct exchange *x)
{
    return front_local(x->front);
}

struct exchange *front_new_exchange(struct front *f, const struct front_ops *ops)
{
    struct exchange *x = exchange_new(f->proxy, ops, f);
    x->kind = f->kind;
    x->client = f->client;
    x->uncounted = listen_is_inner(f->kind);
    x->cert = f->kind == LISTEN_HTTPS ? f->waiter.cert : NULL;
    x->secure = f->kind == LISTEN_HTTPS;
    if (f->conn.ssl) {
        x->tls = SSL_get_version(f->conn.ssl);
        x->tls_resumed = SSL_session_reused(f->conn.ssl);
    }
    x->port = f->proxy->config->public_https_port;
    return x;
}

/* --- before the protocol is known ---------------------------------------------------------------- */

static void opening_open(struct conn *c)
{
    struct front *f = front_of(c);
    const uint8_t *alpn = NULL;
    unsigned len = 0;
    if (c->ssl) {
        front_handshake_ends(f);
        SSL_get0_alpn_selected(c->ssl, &alpn, &len);
        metrics_add(f->proxy->metrics, METRIC_TLS_HANDSHAKES, 1);
        if (SSL_session_reused(c->ssl))
            metrics_add(f->proxy->metrics, METRIC_TLS_RESUMED, 1);
    }
    if (span_eq(span_of(alpn, len), SPAN_LIT("h2")))
        front_h2_open(f);
    else
        front_h1_open(f);
}

static void opening_input(struct conn *c)
{
    (void)c; /* nothing is announced before on_open */
}

static void opening_suspended(struct conn *c)
{
    front_raw_open(front_of(c));
}

static void opening_deadline(struct conn *c)
{
    struct front *f = front_of(c);
    metrics_add(f->proxy->metrics, METRIC_TLS_FAILED, 1);
    front_close(f);
}

static void opening_broken(struct conn *c, enum err why)
{
    struct front *f = front_of(c);
    (void)why;
    metrics_add(f->proxy->metrics, METRIC_TLS_FAILED, 1);
    front_close(f);
}

static const struct conn_ops opening_ops = {
    .on_open = opening_open,
    .on_input = opening_input,
    .on_room = opening_input,
    .on_suspended = opening_suspended,
    .on_deadline = opening_deadline,
    .on_broken = opening_broken,
};

static void known_h2_open(struct conn *c)
{
    front_h2_open(front_of(c));
}

static const struct conn_ops known_h2_ops = {.on_open = known_h2_open};

static void on_cert_ready(struct cert_waiter *w)
{
    struct front *f = CONTAINER_OF(w, struct front, waiter);
    conn_resume_handshake(&f->conn);
}

/* While no protocol has taken over: nothing to say good-bye to. */
static void opening_kill(struct front_link *l)
{
    front_close(CONTAINER_OF(l, struct front, link));
}

static struct front *new_front(struct proxy *p, enum listen_kind kind, uint16_t port,
                               const struct addr *client)
{
    struct front *f = NEW(struct front);
    f->proxy = p;
    f->kind = kind;
    f->port = port;
    f->client = *client;
    f->link.kind = kind;
    f->link.drain = opening_kill;
    f->link.kill = opening_kill;
    return f;
}

void front_accept(struct listener *l, int fd, const struct addr *peer)
{
    struct proxy *p = l->proxy;
    struct front *f = new_front(p, l->kind, l->port, peer);
    conn_init_accepted(&f->conn, &p->conns, &opening_ops, fd, NULL);
    front_link_add(p, &f->link);
    if (front_is_proxied(f))
        front_await_header(f);
    else
        front_begin(f);
}

void front_begin(struct front *f)
{
    SSL *ssl = NULL;
    f->conn.ops = &opening_ops;
    if (!front_admit(f)) {
        front_close(f);
        return;
    }
    conn_deadline_ms(&f->conn, f->proxy->config->limits.handshake_timeout_ms);
    if (f->kind == LISTEN_HTTPS) {
        f->waiter.on_ready = on_cert_ready;
        ssl = server_tls_accept(f->proxy->tls, &f->waiter);
        if (!ssl) { /* no memory for it */
            front_close(f);
            return;
        }
        front_handshake_begins(f);
        if (f->proxy->table->edge->n_passthrough > 0) {
            conn_keep_hello(&f->conn);
            f->waiter.claims = front_raw_claims;
        }
    }
    conn_begin(&f->conn, ssl);
}

void front_open(struct proxy *p, int fd, enum listen_kind kind, const struct addr *client,
                bool http2)
{
    struct front *f = new_front(p, kind, 0, client);
    conn_init_accepted(&f->conn, &p->conns, http2 ? &known_h2_ops : &opening_ops, fd, NULL);
    front_link_add(p, &f->link);
    conn_start(&f->conn);
}

void front_adopt(struct proxy *p, struct conn *from, enum listen_kind kind,
                 const struct addr *client, struct front_watch *watch, struct front **out)
{
    struct front *f = new_front(p, kind, 0, client);
    CHECK(listen_is_inner(kind));
    conn_move(&f->conn, from, &known_h2_ops);
    f->watch = watch;
    front_link_add(p, &f->link);
    front_h2_open(f);
    *out = f;
    if (buf_len(&f->conn.in) > 0 || f->conn.eof) /* of which nothing else will tell */
        f->conn.ops->on_input(&f->conn);
}
