/* Listening for DNS over TCP, and the list of connections. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/mem.h"
#include "dns/tcp_conn.h"

#define ACCEPTS_PER_EVENT 64
#define LISTEN_PAUSE_S 0.1

void dns_tcp_append(struct dns_tcp *t, struct dns_tcp_conn *c)
{
    c->prev = t->last;
    c->next = NULL;
    if (t->last)
        t->last->next = c;
    else
        t->first = c;
    t->last = c;
    t->n++;
}

void dns_tcp_remove(struct dns_tcp *t, struct dns_tcp_conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        t->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        t->last = c->prev;
    t->n--;
}

void dns_tcp_touch(struct dns_tcp *t, struct dns_tcp_conn *c)
{
    if (t->last == c)
        return;
    dns_tcp_remove(t, c);
    dns_tcp_append(t, c);
}

static void on_pause_over(struct ev_loop *loop, struct deadline *d)
{
    struct dns_tcp *t = CONTAINER_OF(d, struct dns_tcp, pause);
    ev_io_start(loop, &t->io);
}

/* Without descriptors the listener stays readable: somebody has to go, or it has to rest. */
static void out_of_descriptors(struct dns_tcp *t)
{
    if (t->first) {
        dns_tcp_conn_free(t->first);
        return;
    }
    ev_io_stop(t->loop, &t->io);
    deadline_set(t->loop, &t->pause, LISTEN_PAUSE_S);
}

/* False: there is none to accept now. */
static bool accept_one(struct dns_tcp *t)
{
    struct addr peer;
    peer.len = sizeof(struct sockaddr_in6);
    int fd = accept4(t->io.fd, &peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int e = errno;
        if (e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM)
            out_of_descriptors(t);
        /* A connection that broke while it waited is no reason to stop. */
        return e == ECONNABORTED || e == EINTR;
    }
    /* RFC 7766 6.2.3: room is made at the cost of the one that was idle for longest. */
    if (t->n >= t->max)
        dns_tcp_conn_free(t->first);
    fd_set_nodelay(fd);
    dns_tcp_append(t, dns_tcp_conn_new(t, fd, &peer));
    return true;
}

static void on_acceptable(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    (void)revents;
    struct dns_tcp *t = CONTAINER_OF(io, struct dns_tcp, io);
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        if (!accept_one(t))
            return;
    }
}

struct dns_tcp *dns_tcp_new(struct ev_loop *loop, int fd, struct dns_responder *r,
                            struct metrics *metrics, uint64_t max_connections)
{
    struct dns_tcp *t = NEW(struct dns_tcp);
    t->loop = loop;
    t->r = r;
    t->metrics = metrics;
    t->max = max_connections > 0 ? max_connections : 1;
    deadline_init(&t->pause, on_pause_over);
    ev_io_init(&t->io, on_acceptable, fd, EV_READ);
    ev_io_start(loop, &t->io);
    return t;
}

void dns_tcp_free(struct dns_tcp *t)
{
    if (!t)
        return;
    while (t->first)
        dns_tcp_conn_free(t->first);
    ev_io_stop(t->loop, &t->io);
    deadline_off(t->loop, &t->pause);
    (void)close(t->io.fd);
    mem_free(t);
}
