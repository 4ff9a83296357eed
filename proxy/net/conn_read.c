/* What comes in: into `in`, as much as there is room for. */
#include <errno.h>
#include <poll.h>

#include "core/mem.h"
#include "proxy/net/conn_parts.h"
#include "proxy/net/conn_tls.h"

bool conn_is_transient(int e)
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
    if (!conn_is_transient(errno))
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

void conn_give_back_in(struct conn *c)
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

void conn_on_readable(struct ev_loop *loop, ev_io *w, int events)
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
    conn_give_back_in(c);
}

void conn_consume(struct conn *c, size_t n)
{
    buf_consume(&c->in, n);
    conn_give_back_in(c);
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

void conn_on_reread(struct turn_item *i)
{
    struct conn *c = CONTAINER_OF(i, struct conn, reread);
    if (c->closed || c->broken != ERR_OK || c->paused)
        return;
    conn_tls_reread(c);
    conn_give_back_in(c);
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
