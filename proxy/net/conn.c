#include "proxy/net/conn.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/mem.h"
#include "proxy/net/conn_tls.h"

/* From this size on a span is sent from where it lies instead of being copied. */
#define DIRECT_MIN (8 * 1024)
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

/* --- reading ----------------------------------------------------------------------------------- */

static bool is_transient(int e)
{
    return e == EAGAIN || e == EWOULDBLOCK || e == EINTR;
}

ssize_t conn_recv(struct conn *c, void *dst, size_t cap)
{
    ssize_t n = recv(c->fd, dst, cap, 0);
    if (n > 0)
        return n;
    if (n == 0) {
        c->eof = true;
        return 0;
    }
    if (!is_transient(errno))
        conn_fail(c, ERR_CLOSED);
    return -1;
}

void conn_pause(struct conn *c)
{
    if (c->paused)
        return;
    c->paused = true;
    ev_io_stop(c->shared->loop, &c->reader);
}

static void give_back_in(struct conn *c)
{
    spare_return(&c->shared->spare, &c->in, c->in_kind);
}

void conn_lend_in(struct conn *c)
{
    if (c->in.base)
        return;
    c->in.ceiling = CONN_IN_BULK;
    c->in_kind = spare_lend(&c->shared->spare, &c->in, c->in_next);
    if (c->in_kind != SPARE_OF_BULK)
        c->in.ceiling = CONN_IN_MAX;
}

/* Makes room in `in`: lent storage, or growth up to the ceiling. NULL: it is full. */
char *conn_in_room(struct conn *c, size_t *room)
{
    conn_lend_in(c);
    if (buf_room(&c->in) == 0)
        return NULL;
    size_t want = buf_room(&c->in) < 4096 ? buf_room(&c->in) : 4096;
    return buf_reserve(&c->in, want, room);
}

/* N bytes came at once where ROOM had been asked for. Storage that was filled from empty is followed by
 * larger storage, which saves system calls; who lets bytes lie keeps what it has. */
void conn_learn_in(struct conn *c, size_t n, size_t room)
{
    static const enum spare_kind larger[] = {SPARE_OF_LARGE, SPARE_OF_BULK, SPARE_OF_BULK};
    if (n >= room)
        c->in_next = larger[c->in_kind];
    else if (n <= SPARE_SMALL)
        c->in_next = SPARE_OF_SMALL;
    else if (n <= SPARE_LARGE)
        c->in_next = SPARE_OF_LARGE;
}

static void read_clear(struct conn *c)
{
    size_t room;
    char *dst = conn_in_room(c, &room);
    if (!dst) {
        conn_pause(c);
        return;
    }
    ssize_t n = conn_recv(c, dst, room);
    if (n > 0) {
        buf_commit(&c->in, (size_t)n);
        conn_learn_in(c, (size_t)n, room);
    }
    if (n >= 0)
        c->ops->on_input(c);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
    (void)events;
    struct conn *c = w->data;
    if (c->eof) {
        /* Nothing more will come; a level-triggered loop would spin. */
        ev_io_stop(loop, &c->reader);
        return;
    }
    if (c->ssl)
        conn_tls_read(c);
    else
        read_clear(c);
    give_back_in(c);
}

void conn_consume(struct conn *c, size_t n)
{
    buf_consume(&c->in, n);
    give_back_in(c);
    if (!c->paused || c->deaf || c->closed || c->eof || buf_room(&c->in) < CONN_IN_MAX / 4)
        return;
    c->paused = false;
    ev_io_start(c->shared->loop, &c->reader);
    /* The socket does not tell of what has been read off it: ciphertext, and the rest of a record.
     * An event fed to the loop would not do: fed at the end of the turn, it is handled after that, and
     * what it has to send would wait for the next event. */
    if (c->ssl && (buf_len(&c->cipher) > 0 || SSL_pending(c->ssl) > 0))
        turn_flush(&c->shared->turn, &c->reread);
}

static void on_reread(struct turn_item *i)
{
    struct conn *c = CONTAINER_OF(i, struct conn, reread);
    if (c->closed || c->broken != ERR_OK || c->paused)
        return;
    conn_tls_reread(c);
    give_back_in(c);
}

void conn_stop(struct conn *c)
{
    c->eof = true;
    ev_io_stop(c->shared->loop, &c->reader);
    ev_io_stop(c->shared->loop, &c->writer);
}

bool conn_peer_has_ended(const struct conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
    return c->eof || (poll(&p, 1, 0) == 1 && p.revents != 0);
}

/* --- writing ----------------------------------------------------------------------------------- */

static size_t out_high(const struct conn *c)
{
    bool bulk = c->out.base ? c->out_kind == SPARE_OF_BULK
                            : c->out_next == SPARE_OF_BULK && spare_has_bulk(&c->shared->spare);
    return bulk ? CONN_OUT_HIGH_BULK : CONN_OUT_HIGH;
}

static void give_back_out(struct conn *c)
{
    spare_return(&c->shared->spare, &c->out, c->out_kind);
}

size_t conn_room(struct conn *c)
{
    size_t pending = buf_len(&c->out), high = out_high(c);
    if (c->broken != ERR_OK || c->closed || pending >= high) {
        c->starved = true;
        c->out_next = SPARE_OF_BULK;
        return 0;
    }
    return high - pending;
}

void conn_append_out(struct conn *c, struct span s)
{
    if (!c->out.base) {
        enum spare_kind least = s.len > SPARE_SMALL || c->ssl ? SPARE_OF_LARGE : SPARE_OF_SMALL;
        enum spare_kind kind = c->out_next > least ? c->out_next : least;
        c->out_kind = spare_lend(&c->shared->spare, &c->out, kind);
    }
    if (buf_append(&c->out, s) != ERR_OK)
        conn_fail(c, ERR_FULL);
    turn_flush(&c->shared->turn, &c->flush);
}

/* Sends `out` and then S from where it lies; what the kernel does not take goes to `out`. */
static void write_direct(struct conn *c, struct span s)
{
    struct span held = buf_span(&c->out);
    ssize_t n;
    if (held.len == 0) {
        n = send(c->fd, s.p, s.len, MSG_NOSIGNAL);
    } else {
        struct iovec iov[2] = {{(void *)(uintptr_t)held.p, held.len},
                               {(void *)(uintptr_t)s.p, s.len}};
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
        n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
    }
    if (n < 0 && !is_transient(errno)) {
        conn_fail(c, ERR_CLOSED);
        return;
    }
    size_t sent = n > 0 ? (size_t)n : 0;
    size_t of_held = sent < held.len ? sent : held.len;
    buf_consume(&c->out, of_held);
    if (sent - of_held < s.len)
        conn_append_out(c, span_from(s, sent - of_held));
    else
        give_back_out(c);
}

void conn_write(struct conn *c, struct span s)
{
    if (c->broken != ERR_OK || c->closed || s.len == 0)
        return;
    if (c->ssl)
        conn_tls_write(c, s);
    else if (s.len >= DIRECT_MIN && !ev_is_active(&c->writer) && c->open)
        write_direct(c, s);
    else
        conn_append_out(c, s);
}

void conn_write_now(struct conn *c, struct span s)
{
    bool first = !c->ssl && c->open && buf_len(&c->out) == 0 && !ev_is_active(&c->writer);
    if (first && c->broken == ERR_OK && !c->closed && s.len > 0)
        write_direct(c, s);
    else
        conn_write(c, s);
}

void conn_write_first(struct conn *c, struct span s)
{
    CHECK(!c->open && !c->handshaking);
    conn_append_out(c, s);
}

static void tell_room(struct conn *c)
{
    if (c->starved && !c->closed && c->broken == ERR_OK && buf_len(&c->out) <= out_high(c) / 2) {
        c->starved = false;
        c->ops->on_room(c);
    }
    if (c->want_drained && !c->closed && c->broken == ERR_OK && buf_len(&c->out) == 0) {
        c->want_drained = false;
        c->ops->on_drained(c);
    }
}

size_t conn_undelivered(const struct conn *c)
{
    int held = 0;
    if (c->fd < 0 || ioctl(c->fd, SIOCOUTQ, &held) != 0 || held < 0)
        held = 0;
    return (size_t)held + buf_len(&c->out);
}

void conn_want_drained(struct conn *c)
{
    if (c->want_drained)
        return; /* asked from on_flush, it would have the turn never end */
    c->want_drained = true;
    conn_flush_later(c);
}

/* Sends what the kernel takes; the writer watches for the rest. */
static void send_out(struct conn *c)
{
    struct span s = buf_span(&c->out);
    if (s.len <= SPARE_SMALL)
        c->out_next = SPARE_OF_SMALL;
    if (s.len > 0) {
        ssize_t n = send(c->fd, s.p, s.len, MSG_NOSIGNAL);
        if (n < 0 && !is_transient(errno)) {
            conn_fail(c, ERR_CLOSED);
            return;
        }
        if (n > 0)
            buf_consume(&c->out, (size_t)n);
    }
    if (buf_len(&c->out) > 0) {
        ev_io_start(c->shared->loop, &c->writer);
        return;
    }
    ev_io_stop(c->shared->loop, &c->writer);
    give_back_out(c);
}

static void finish_connect(struct conn *c)
{
    int e = 0;
    socklen_t len = sizeof e;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len) != 0 || e != 0) {
        errno = e;
        conn_fail(c, ERR_IO);
        return;
    }
    c->connecting = false;
    ev_io_stop(c->shared->loop, &c->writer);
    ev_io_start(c->shared->loop, &c->reader);
    if (c->ops->on_connected)
        c->ops->on_connected(c);
    conn_start(c);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)events;
    struct conn *c = w->data;
    if (c->connecting) {
        finish_connect(c);
        return;
    }
    send_out(c);
    tell_room(c);
}

/* The end of the turn. */
static void on_flush(struct turn_item *i)
{
    struct conn *c = CONTAINER_OF(i, struct conn, flush);
    if (c->closed)
        return;
    if (c->broken == ERR_OK && c->ops->on_flush && c->open)
        c->ops->on_flush(c);
    if (c->closed)
        return;
    if (c->broken == ERR_OK && !c->connecting && !ev_is_active(&c->writer))
        send_out(c);
    if (c->broken != ERR_OK) {
        turn_unflush(&c->shared->turn, &c->flush);
        c->ops->on_broken(c, c->broken);
        return;
    }
    tell_room(c);
}

void conn_flush_later(struct conn *c)
{
    if (!c->closed)
        turn_flush(&c->shared->turn, &c->flush);
}

void conn_flush_last(struct conn *c)
{
    turn_unflush(&c->shared->turn, &c->flush);
    conn_flush_later(c);
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

/* --- life -------------------------------------------------------------------------------------- */

/* What knows C by its address. */
static void init_watchers(struct conn *c)
{
    c->flush = (struct turn_item){.run = on_flush};
    c->reread = (struct turn_item){.run = on_reread};
    deadline_init(&c->deadline, on_deadline);
    ev_io_init(&c->reader, on_readable, c->fd, EV_READ);
    ev_io_init(&c->writer, on_writable, c->fd, EV_WRITE);
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
        send_out(c);
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
    give_back_in(c);
    give_back_out(c);
    buf_deinit(&c->cipher);
}
