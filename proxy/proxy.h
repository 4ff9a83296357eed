/* The proxy of one worker: its listeners, connections, exchanges and pools.
 *
 * Everything here is used by the worker's thread only. The server folder makes it, feeds it the
 * configuration's images, and answers what is asked of the edge itself. */
#pragma once

#include <ev.h>
#include <stdbool.h>

#include "certs/server_tls.h"
#include "core/metrics.h"
#include "proxy/local_call.h"
#include "sessions/table.h"

struct exchange;
struct proxy;
struct health_image;
struct health_round;

enum listen_kind {
    LISTEN_HTTPS,    /* TLS: sessions, shared services, edge.<zone> */
    LISTEN_REDIRECT, /* clear HTTP: 308 to https */
    LISTEN_ADMIN,    /* unix socket: the API, its peers are admin */
    LISTEN_METRICS,  /* clear HTTP: /healthz, /readyz, /metrics */
    LISTEN_RELAY,    /* HTTP/2 from another worker, for a tunnel that is held here */
    LISTEN_TUNNEL,   /* HTTP/2 from an edge: the agent's end of a tunnel */
};

/* Whether what comes in by it is our own, with other people's requests on it: these have been routed, changed for
 * the way and logged where they came in. */
static inline bool listen_is_inner(enum listen_kind kind)
{
    return kind == LISTEN_RELAY || kind == LISTEN_TUNNEL;
}

struct access_writer;

struct proxy_hooks {
    void *ctx;
    struct access_writer *access; /* borrowed; NULL: no access log */
    /* SESSION is in use: at most once a minute and session. */
    void (*used)(void *ctx, struct span session);
    /* A request for the edge itself has come whole; see local_call.h. KIND: where it came in. */
    void (*local)(void *ctx, enum listen_kind kind, struct local_call *call);
    void (*local_cancel)(void *ctx, struct local_call *call);
    /* X came by an inner listener: it is to be brought on its way. NULL: there are none. */
    void (*inner)(void *ctx, struct exchange *x);
    /* X, which came by an inner listener, has ended: for counting. NULL: nobody counts. */
    void (*inner_done)(void *ctx, const struct exchange *x);
    /* X's route leads to its session's tunnel; its head is ready for the way. NULL: there are none. */
    void (*tunnel)(void *ctx, struct exchange *x);
    /* A service has been looked at (health/health.h); R lives during the call. May be NULL. */
    void (*checked)(void *ctx, const struct health_round *r);
};

/* TABLE, TLS (NULL: no LISTEN_HTTPS), METRICS and HOOKS are borrowed and outlive the proxy. The
 * configuration is the one of TABLE's edge image. */
struct proxy *proxy_new(struct ev_loop *loop, struct route_table *table, struct server_tls *tls,
                        struct metrics *metrics, const struct proxy_hooks *hooks);
/* Accepts from the listening FD (owned). */
void proxy_listen(struct proxy *p, int fd, enum listen_kind kind);
/* TABLE's edge image has been replaced: new exchanges use it, running ones keep theirs. */
void proxy_edge_changed(struct proxy *p);
/* This worker does the active health checks for all. */
void proxy_check_health(struct proxy *p);
/* What they have found; I is referenced. */
void proxy_set_health(struct proxy *p, struct health_image *i);
/* Stops accepting; idle connections close, busy ones are told to go (GOAWAY, connection: close).
 * LISTEN_METRICS goes on, so that probes see it. */
void proxy_drain(struct proxy *p);
/* Front connections still open, probes not counted. */
size_t proxy_connections(const struct proxy *p);
/* Closes what is left. */
void proxy_free(struct proxy *p);
