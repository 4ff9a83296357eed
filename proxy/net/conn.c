#include "proxy/net/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "core/mem.h"
#include "proxy/net/conn_parts.h"
#include "proxy/net/conn_tls.h"

/* Seconds of silence until the first probe, and between them; how many remain unanswered. */
#define KEEPALIVE_IDLE 60
#define KEEPALIVE_INTERVAL 15
#define KEEPALIVE_COUNT 8

void conn_shared_init(struct conn_shared *s, struct ev_loop *loop)
{
    memset(s, 0, sizeof *s);
    s->loop = loop;
    turn_init(&s->turn, loop);
    spare_init(&s->spare);
    s->scratch = mem_alloc(CONN_SCRATCH);
    s->bio_method = conn_tls_bio_method();
}

void conn_shared_deinit(struct conn_shared *s)
{
    turn_deinit(&s->turn, s->loop);
    spare_deinit(&s->spare);
    mem_free(s->scratch);
    BIO_meth_free(s->bio_method);
}

/* --- failing ----------------------------------------------------------------------------------- */

void conn_fail(struct conn *c, enum err why)
{
    if (c->broken != ERR_OK || c->closed)
        return;
    c->broken = why;
    turn_flush(&c->shared->turn, &c->flush);
}

static void on_deadline(struct ev_loop *loop, struct deadline *d)
{
    (void)loop;
    struct conn *c = CONTAINER_OF(d, struct conn, deadline);
    if (c->broken == ERR_OK && c->timed)
        c->ops->on_deadline(c);
}

void conn_deadline_ms(struct conn *c, uint64_t ms)
{
    if (c->closed)
        return;
    c->timed = true;
    deadline_set(c->shared->loop, &c->deadline, (double)ms / 1000.0);
}

void conn_deadline_off(struct conn *c)
{
    c->timed = false;
}

/* --- life -------------------------------------------------------------------------------------- */

/* What knows C by its address. */
static void init_watchers(struct conn *c)
{
    c->flush = (struct turn_item){.run = conn_on_flush};
    c->reread = (struct turn_item){.run = conn_on_reread};
    deadline_init(&c->deadline, on_deadline);
    ev_io_init(&c->reader, conn_on_readable, c->fd, EV_READ);
    ev_io_init(&c->writer, conn_on_writable, c->fd, EV_WRITE);
    c->reader.data = c->writer.data = c;
}

static void init_common(struct conn *c, struct conn_shared *s, const struct conn_ops *ops, int fd)
{
    memset(c, 0, sizeof *c);
    c->shared = s;
    c->ops = ops;
    c->fd = fd;
    buf_init(&c->in, CONN_IN_MAX);
    buf_init(&c->out, CONN_OUT_MAX);
    buf_init(&c->cipher, CONN_SCRATCH + TLS_RECORD_MAX);
    init_watchers(c);
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
                     sizeof one); /* fails on unix sockets: fine */
}

void conn_init_accepted(struct conn *c, struct conn_shared *s, const struct conn_ops *ops, int fd,
                        SSL *ssl)
{
    init_common(c, s, ops, fd);
    c->ssl = ssl;
    if (ssl)
        conn_tls_attach(c);
}

void conn_init_connect(struct conn *c, struct conn_shared *s, const struct conn_ops *ops,
                       const struct addr *to, SSL *ssl)
{
    int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    init_common(c, s, ops, fd);
    c->connecting = true;
    c->ssl = ssl;
    if (ssl)
        conn_tls_attach(c);
    if (fd < 0 || (connect(fd, &to->sa, to->len) != 0 && errno != EINPROGRESS)) {
        conn_fail(c, ERR_IO);
        return;
    }
    ev_io_start(s->loop, &c->writer);
}

void conn_start(struct conn *c)
{
    if (!ev_is_active(&c->reader))
        ev_io_start(c->shared->loop, &c->reader);
    if (c->ssl) {
        c->handshaking = true;
        conn_tls_handshake(c);
        return;
    }
    c->open = true;
    c->ops->on_open(c);
}

void conn_begin(struct conn *c, SSL *ssl)
{
    if (!ssl) {
        conn_start(c);
        if (buf_len(&c->in) > 0 && !c->closed)
            c->ops->on_input(c);
        return;
    }
    c->ssl = ssl;
    c->open = false;
    conn_tls_attach(c);
    if (buf_append(&c->cipher, buf_span(&c->in)) != ERR_OK)
        conn_fail(c, ERR_MEMORY);
    buf_clear(&c->in);
    c->paused = false;
    conn_start(c);
}

void conn_keep_hello(struct conn *c)
{
    c->keeps = true;
}

void conn_forget_hello(struct conn *c)
{
    if (c->keeps)
        buf_clear(&c->in);
    c->keeps = false;
}

void conn_shed_tls(struct conn *c)
{
    CHECK(c->handshaking && c->keeps && buf_len(&c->out) == 0);
    SSL_free(c->ssl);
    c->ssl = NULL;
    c->handshaking = c->keeps = false;
    c->open = true;
    if (buf_append(&c->in, buf_span(&c->cipher)) != ERR_OK)
        conn_fail(c, ERR_FULL);
    buf_clear(&c->cipher);
    buf_release(&c->cipher);
    conn_consume(c, 0); /* which goes on reading, if there is room */
}

void conn_resume_handshake(struct conn *c)
{
    if (!c->handshaking || c->closed)
        return;
    if (c->paused) {
        c->paused = false;
        ev_io_start(c->shared->loop, &c->reader);
    }
    conn_tls_handshake(c);
}

void conn_stop_reading(struct conn *c)
{
    c->deaf = true;
    conn_pause(c);
}

void conn_shutdown_write(struct conn *c)
{
    if (c->closed)
        return;
    if (c->ssl && c->open)
        conn_tls_notify_close(c);
    if (buf_len(&c->out) > 0)
        conn_send_out(c);
    (void)shutdown(c->fd, SHUT_WR);
}

static void stop_watchers(struct conn *c)
{
    turn_unflush(&c->shared->turn, &c->flush);
    turn_unflush(&c->shared->turn, &c->reread);
    ev_io_stop(c->shared->loop, &c->reader);
    ev_io_stop(c->shared->loop, &c->writer);
    deadline_off(c->shared->loop, &c->deadline);
}

void conn_move(struct conn *to, struct conn *from, const struct conn_ops *ops)
{
    CHECK(from->open && !from->closed);
    struct conn_shared *s = from->shared;
    bool reads = ev_is_active(&from->reader), writes = ev_is_active(&from->writer);
    stop_watchers(from);
    *to = *from;
    to->ops = ops;
    to->timed = false;
    init_watchers(to);
    if (from->ssl)
        conn_tls_move(to, from);
    if (reads)
        ev_io_start(s->loop, &to->reader);
    if (writes)
        ev_io_start(s->loop, &to->writer);
    turn_flush(&s->turn, &to->flush);
    if (to->ssl && buf_len(&to->cipher) > 0)
        turn_flush(&s->turn, &to->reread);
    from->closed = true;
    from->fd = -1;
    buf_init(&from->in, 0);
    buf_init(&from->out, 0);
}

/* What TLS has to say before the end: close_notify where all is in order, or the alert that tells
 * the peer why the handshake or a record was refused (RFC 8446 6). Sent if it fits. */
static void say_last(struct conn *c)
{
    if (c->open && c->broken == ERR_OK && buf_len(&c->out) == 0)
        conn_tls_notify_close(c);
    else if (c->broken != ERR_CRYPTO)
        return;
    struct span s = buf_span(&c->out);
    if (s.len > 0)
        (void)!send(c->fd, s.p, s.len, MSG_NOSIGNAL);
}

void conn_close(struct conn *c)
{
    if (c->closed)
        return;
    if (c->ssl)
        say_last(c);
    c->closed = true;
    stop_watchers(c);
    if (c->shared->scratch_owner == c)
        c->shared->scratch_owner = NULL;
    if (c->ssl)
        SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->fd >= 0)
        close(c->fd);
    buf_clear(&c->in);
    buf_clear(&c->out);
    conn_give_back_in(c);
    conn_give_back_out(c);
    buf_deinit(&c->cipher);
}

void conn_keep_alive(struct conn *c)
{
    int one = 1, idle = KEEPALIVE_IDLE, interval = KEEPALIVE_INTERVAL, count = KEEPALIVE_COUNT;
    (void)setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    /* Unknown to unix sockets: fine. */
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}
