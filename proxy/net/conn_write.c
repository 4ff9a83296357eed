/* What goes out: from `out` at the end of the turn, or from where it lies. */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "core/mem.h"
#include "proxy/net/conn_parts.h"
#include "proxy/net/conn_tls.h"

/* From this size on a span is sent from where it lies instead of being copied. */
#define DIRECT_MIN (8 * 1024)

static size_t out_high(const struct conn *c)
{
    bool bulk = c->out.base ? c->out_kind == SPARE_OF_BULK
                            : c->out_next == SPARE_OF_BULK && spare_has_bulk(&c->shared->spare);
    return bulk ? CONN_OUT_HIGH_BULK : CONN_OUT_HIGH;
}

void conn_give_back_out(struct conn *c)
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
    if (!c->flushing)
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
    if (n < 0 && !conn_is_transient(errno)) {
        conn_fail(c, ERR_CLOSED);
        return;
    }
    size_t sent = n > 0 ? (size_t)n : 0;
    size_t of_held = sent < held.len ? sent : held.len;
    buf_consume(&c->out, of_held);
    if (sent - of_held < s.len)
        conn_append_out(c, span_from(s, sent - of_held));
    else
        conn_give_back_out(c);
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
void conn_send_out(struct conn *c)
{
    struct span s = buf_span(&c->out);
    if (s.len <= SPARE_SMALL)
        c->out_next = SPARE_OF_SMALL;
    if (s.len > 0) {
        ssize_t n = send(c->fd, s.p, s.len, MSG_NOSIGNAL);
        if (n < 0 && !conn_is_transient(errno)) {
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
    conn_give_back_out(c);
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

void conn_on_writable(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)events;
    struct conn *c = w->data;
    if (c->connecting) {
        finish_connect(c);
        return;
    }
    conn_send_out(c);
    tell_room(c);
}

/* The end of the turn. */
void conn_on_flush(struct turn_item *i)
{
    struct conn *c = CONTAINER_OF(i, struct conn, flush);
    if (c->closed)
        return;
    c->flushing = true;
    if (c->broken == ERR_OK && c->ops->on_flush && c->open)
        c->ops->on_flush(c);
    c->flushing = false;
    if (c->closed)
        return;
    if (c->broken == ERR_OK && !c->connecting && !ev_is_active(&c->writer))
        conn_send_out(c);
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
