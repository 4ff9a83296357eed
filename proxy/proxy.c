#include "proxy/proxy.h"

#include <errno.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/mem.h"
#include "proxy/access/access_log.h"
#include "proxy/back/back.h"
#include "proxy/back/back_tls.h"
#include "proxy/health/checker.h"
#include "proxy/watch.h"
#include "proxy/worker.h"

/* A record of plaintext, and the largest head in front of it. */
#define STAGING_MAX (256 * 1024)
/* Connections taken from a listener before other events have their turn. */
#define ACCEPT_BATCH 64
/* Connections for metrics and administration, beside limits.max_connections. */
#define PRIVATE_MAX 256
/* How long nothing is accepted when descriptors or memory have run out. */
#define ACCEPT_PAUSE_S 0.1

/* --- the edge's image ---------------------------------------------------------------------------- */

static struct edge_pin *pin_edge(struct edge_image *image)
{
    struct edge_pin *e = NEW(struct edge_pin);
    e->image = edge_image_ref(image);
    e->pins = 1;
    return e;
}

void edge_pin_drop(struct edge_pin *e)
{
    if (--e->pins > 0)
        return;
    edge_image_unref(e->image);
    mem_free(e);
}

void proxy_edge_changed(struct proxy *p)
{
    edge_pin_drop(p->edge);
    p->edge = pin_edge(p->table->edge);
    p->config = p->edge->image->config;
    access_log_configure(p->access, &p->config->log);
    if (p->checker)
        checker_update(p->checker);
}

/* --- health -------------------------------------------------------------------------------------- */

void proxy_check_health(struct proxy *p)
{
    CHECK(!p->checker);
    p->checker = checker_new(p);
}

void proxy_set_health(struct proxy *p, struct health_image *i)
{
    pools_set_health(p->pools, i);
}

/* --- fronts -------------------------------------------------------------------------------------- */

static bool is_public(enum listen_kind kind)
{
    return kind == LISTEN_HTTPS || kind == LISTEN_REDIRECT;
}

/* However many clients there are, the edge can still be asked how it is, and told what to do. */
static bool may_accept(const struct proxy *p, enum listen_kind kind)
{
    if (p->resting)
        return false;
    return is_public(kind) ? p->n_public < p->config->limits.max_connections
                           : p->n_fronts - p->n_public - p->n_inner < PRIVATE_MAX;
}

static void update_listeners(struct proxy *p)
{
    for (struct listener *l = p->listeners; l; l = l->next) {
        if (may_accept(p, l->kind))
            ev_io_start(p->conns.loop, &l->io);
        else
            ev_io_stop(p->conns.loop, &l->io);
    }
}

void front_link_add(struct proxy *p, struct front_link *l)
{
    l->next = p->fronts;
    l->prev = &p->fronts;
    if (l->next)
        l->next->prev = &l->next;
    p->fronts = l;
    p->n_fronts++;
    p->n_public += is_public(l->kind);
    p->n_probes += l->kind == LISTEN_METRICS;
    p->n_inner += listen_is_inner(l->kind);
    metrics_add(p->metrics, METRIC_CONNS_ACCEPTED, 1);
    metrics_add(p->metrics, METRIC_CONNS_OPEN, 1);
    if (!may_accept(p, l->kind))
        update_listeners(p);
}

void front_link_remove(struct proxy *p, struct front_link *l)
{
    bool could = may_accept(p, l->kind);
    *l->prev = l->next;
    if (l->next)
        l->next->prev = l->prev;
    p->n_fronts--;
    p->n_public -= is_public(l->kind);
    p->n_probes -= l->kind == LISTEN_METRICS;
    p->n_inner -= listen_is_inner(l->kind);
    metrics_sub(p->metrics, METRIC_CONNS_OPEN, 1);
    if (!could)
        update_listeners(p);
}

static void on_accept_again(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop;
    (void)events;
    struct proxy *p = t->data;
    p->resting = false;
    update_listeners(p);
}

/* The connection that could not be taken waits, and the loop would tell of it without end. */
static void pause_accepting(struct proxy *p, int why)
{
    LOG(LOG_ERROR, "accept_failed", LOG_ERRNO(why));
    p->resting = true;
    update_listeners(p);
    ev_timer_stop(p->conns.loop, &p->accept_again);
    ev_timer_set(&p->accept_again, ACCEPT_PAUSE_S, 0.);
    ev_timer_start(p->conns.loop, &p->accept_again);
}

static void on_acceptable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    struct listener *l = CONTAINER_OF(io, struct listener, io);
    for (int i = 0; i < ACCEPT_BATCH && ev_is_active(io); i++) {
        struct addr peer = {.len = sizeof peer.v6};
        int fd = accept4(io->fd, &peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            front_accept(l, fd, &peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(l->proxy, errno);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

void proxy_listen(struct proxy *p, int fd, enum listen_kind kind)
{
    struct listener *l = NEW(struct listener);
    struct addr at;
    l->proxy = p;
    l->kind = kind;
    if (kind != LISTEN_ADMIN && fd_local_addr(fd, &at) == ERR_OK)
        l->port = addr_port(&at);
    ev_io_init(&l->io, on_acceptable, fd, EV_READ);
    l->next = p->listeners;
    p->listeners = l;
    if (may_accept(p, kind))
        ev_io_start(p->conns.loop, &l->io);
}

static void close_listeners(struct proxy *p, bool probes_too)
{
    struct listener **at = &p->listeners;
    while (*at) {
        struct listener *l = *at;
        if (l->kind == LISTEN_METRICS && !probes_too) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        ev_io_stop(p->conns.loop, &l->io);
        close(l->io.fd);
        mem_free(l);
    }
}

/* Draining may close a connection, but only the one at hand. */
static void each_front(struct proxy *p, bool kill)
{
    struct front_link *next;
    for (struct front_link *l = p->fronts; l; l = next) {
        next = l->next;
        if (kill)
            l->kill(l);
        else if (l->kind != LISTEN_METRICS)
            l->drain(l);
    }
}

void proxy_drain(struct proxy *p)
{
    p->draining = true;
    close_listeners(p, false);
    each_front(p, false);
}

size_t proxy_connections(const struct proxy *p)
{
    return p->n_fronts - p->n_probes;
}

/* --- life ---------------------------------------------------------------------------------------- */

struct proxy *proxy_new(struct ev_loop *loop, struct route_table *table, struct server_tls *tls,
                        struct metrics *metrics, const struct proxy_hooks *hooks)
{
    struct proxy *p = NEW(struct proxy);
    conn_shared_init(&p->conns, loop);
    peers_init(&p->peers);
    p->handshakes.last = &p->handshakes.first;
    p->table = table;
    p->tls = tls;
    p->metrics = metrics;
    p->hooks = hooks;
    p->edge = pin_edge(table->edge);
    p->config = p->edge->image->config;
    ev_timer_init(&p->accept_again, on_accept_again, 0., 0.);
    p->accept_again.data = p;
    p->pools = NEW(struct pools);
    pools_init(p->pools, p);
    p->back_tls = back_tls_new();
    p->resolver = resolver_new(loop, &p->config->resolvers);
    front_h2_setup(&p->h2, loop);
    if (hooks->access)
        p->access = access_log_new(loop, hooks->access, metrics, &p->config->log);
    buf_init(&p->staging, STAGING_MAX);
    buf_init(&p->back_staging, STAGING_MAX);
    return p;
}

void proxy_free(struct proxy *p)
{
    p->draining = true;
    close_listeners(p, true);
    ev_timer_stop(p->conns.loop, &p->accept_again);
    each_front(p, true);
    checker_free(p->checker);
    back_close_all(p->pools);
    watch_close(p);
    conn_shared_deinit(&p->conns); /* runs what was put off to the end of the turn */
    exchange_free_spare(p);
    back_tls_free(p->back_tls);
    resolver_free(p->resolver);
    peers_deinit(&p->peers);
    pools_deinit(p->pools);
    mem_free(p->pools);
    front_h2_teardown(&p->h2);
    access_log_free(p->access);
    edge_pin_drop(p->edge);
    buf_deinit(&p->staging);
    buf_deinit(&p->back_staging);
    mem_free(p);
}
