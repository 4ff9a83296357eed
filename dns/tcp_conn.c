#include "dns/tcp_conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/wire.h"

/* Room that the next answer, whatever its size, is sure to find. */
#define ANSWER_ROOM (2 + DNS_MESSAGE_MAX)

/* What became of the queries at hand. */
enum served {
    SERVED_ALL,  /* those that were whole are answered */
    SERVED_FULL, /* the workspace for answers is full; queries are left */
    SERVED_BAD,  /* this is not DNS */
};

/* Bytes that came, in the owner's workspace or in the connection's buffer. */
struct input {
    const uint8_t *p;
    size_t len, used;
};

static void watch(struct dns_tcp_conn *c, int events)
{
    if ((c->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(c->owner->loop, &c->io);
    ev_io_set(&c->io, c->io.fd, events);
    ev_io_start(c->owner->loop, &c->io);
}

/* A whole query came, or an answer left: nothing less keeps a connection. */
static void touch(struct dns_tcp_conn *c)
{
    deadline_set(c->owner->loop, &c->idle, DNS_TCP_IDLE_S);
    dns_tcp_touch(c->owner, c);
}

/* Answers the whole queries of IN into the owner's workspace, behind *LEN bytes that are there. */
static enum served serve(struct dns_tcp_conn *c, struct input *in, size_t *len)
{
    struct dns_tcp *t = c->owner;
    uint32_t wall_s = (uint32_t)ev_now(t->loop);
    while (in->len - in->used >= 2) {
        size_t query_len = dns_load16(in->p + in->used);
        if (query_len < DNS_HEADER_LEN || query_len > DNS_TCP_QUERY_MAX)
            return SERVED_BAD;
        if (in->len - in->used - 2 < query_len)
            return SERVED_ALL;
        if (sizeof(t->out) - *len < ANSWER_ROOM)
            return SERVED_FULL;

        uint8_t *out = t->out + *len;
        size_t n = dns_answer(t->r, DNS_TCP, &c->peer, wall_s, in->p + in->used + 2, query_len,
                              out + 2, DNS_MESSAGE_MAX);
        in->used += 2 + query_len;
        /* A response where a query is due: whoever sends it is confused. */
        if (n == 0)
            return SERVED_BAD;
        dns_store16(out, (uint16_t)n);
        *len += 2 + n;
    }
    return SERVED_ALL;
}

/* ERR_AGAIN: the rest is kept in the connection. */
static enum err send_answers(struct dns_tcp_conn *c, size_t len)
{
    ssize_t n;
    do
        n = send(c->io.fd, c->owner->out, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return ERR_CLOSED;
    size_t sent = n > 0 ? (size_t)n : 0;
    if (sent == len)
        return ERR_OK;
    TRY(buf_append(&c->out, span_of(c->owner->out + sent, len - sent)));
    return ERR_AGAIN;
}

/* Answers what is at hand until it is used up or the peer takes no more. */
static enum err serve_and_send(struct dns_tcp_conn *c, struct input *in)
{
    enum served served;
    do {
        size_t len = 0;
        served = serve(c, in, &len);
        if (len > 0) {
            touch(c);
            TRY(send_answers(c, len));
        }
    } while (served == SERVED_FULL);
    return served == SERVED_BAD ? ERR_SYNTAX : ERR_OK;
}

/* What is not used is kept for the next event. ERR_AGAIN: until the peer has read. */
static enum err take(struct dns_tcp_conn *c, struct input *in)
{
    enum err e = serve_and_send(c, in);
    if (e != ERR_OK && e != ERR_AGAIN)
        return e;
    if (in->used < in->len)
        TRY(buf_append(&c->in, span_of(in->p + in->used, in->len - in->used)));
    return e;
}

/* Moves what the connection holds to the workspace and reads behind it. */
static enum err read_more(struct dns_tcp_conn *c, struct input *in)
{
    struct dns_tcp *t = c->owner;
    struct span held = buf_span(&c->in);
    CHECK(held.len < sizeof(t->in));
    if (held.len > 0)
        memcpy(t->in, held.p, held.len);
    buf_clear(&c->in);
    buf_release(&c->in);
    *in = (struct input){.p = t->in, .len = held.len};
    if (c->ended)
        return ERR_OK;

    ssize_t n;
    do
        n = recv(c->io.fd, t->in + held.len, sizeof(t->in) - held.len, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_OK : ERR_CLOSED;
    /* The peer may have ended its side only, and wait for answers (RFC 7766 6.2.4). */
    c->ended = n == 0;
    in->len += (size_t)n;
    return ERR_OK;
}

static enum err flush(struct dns_tcp_conn *c)
{
    struct span s = buf_span(&c->out);
    if (s.len == 0)
        return ERR_OK;
    ssize_t n = send(c->io.fd, s.p, s.len, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? ERR_AGAIN : ERR_CLOSED;
    touch(c);
    buf_consume(&c->out, (size_t)n);
    if (buf_len(&c->out) > 0)
        return ERR_AGAIN;
    buf_release(&c->out);
    return ERR_OK;
}

/* One turn: what waits goes out first, then more is read. ERR_AGAIN: the peer has to read. */
static enum err turn(struct dns_tcp_conn *c)
{
    struct input in;
    TRY(flush(c));
    TRY(read_more(c, &in));
    TRY(take(c, &in));
    return c->ended ? ERR_EOF : ERR_OK;
}

static void on_ready(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    (void)revents;
    struct dns_tcp_conn *c = CONTAINER_OF(io, struct dns_tcp_conn, io);
    switch (turn(c)) {
    case ERR_OK:
        watch(c, EV_READ);
        return;
    case ERR_AGAIN:
        watch(c, EV_WRITE);
        return;
    default:
        dns_tcp_conn_free(c);
    }
}

static void on_idle(struct ev_loop *loop, struct deadline *d)
{
    (void)loop;
    dns_tcp_conn_free(CONTAINER_OF(d, struct dns_tcp_conn, idle));
}

struct dns_tcp_conn *dns_tcp_conn_new(struct dns_tcp *owner, int fd, const struct addr *peer)
{
    struct dns_tcp_conn *c = NEW(struct dns_tcp_conn);
    c->owner = owner;
    c->peer = *peer;
    buf_init(&c->in, sizeof(owner->in));
    buf_init(&c->out, sizeof(owner->out));
    deadline_init(&c->idle, on_idle);
    deadline_set(owner->loop, &c->idle, DNS_TCP_IDLE_S);
    ev_io_init(&c->io, on_ready, fd, EV_READ);
    ev_io_start(owner->loop, &c->io);
    return c;
}

void dns_tcp_conn_free(struct dns_tcp_conn *c)
{
    dns_tcp_remove(c->owner, c);
    ev_io_stop(c->owner->loop, &c->io);
    deadline_off(c->owner->loop, &c->idle);
    (void)close(c->io.fd);
    buf_deinit(&c->in);
    buf_deinit(&c->out);
    mem_free(c);
}
