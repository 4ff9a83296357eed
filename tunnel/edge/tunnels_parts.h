/* Between the parts of a worker's tunnels: what it knows (tunnels.c), who waits (waiting.c), the tunnels held
 * here (held.c), the ways to other workers (relay.c), and where a request goes (tunnel_steer.c). */
#pragma once

#include "core/mem.h"
#include "core/table.h"
#include "proxy/back/adopted.h"
#include "proxy/worker.h"
#include "tunnel/edge/tunnels.h"

/* A request waits so long for its tunnel to come back. */
#define TUNNEL_WAIT_MS 5000
/* One that has been down for longer is not waited for. */
#define TUNNEL_RECENT_MS 30000
/* Streams on one connection, of a tunnel or a relay. */
#define TUNNEL_STREAMS 1000
/* Requests that wait in a worker. */
#define TUNNEL_WAITING_MAX 10000

struct known_session {
    struct table_node node;
    struct tunnel_route route;
};

struct relay;

struct wait_list {
    struct exchange *first, **last;
};

struct tunnels {
    struct ev_loop *loop;
    struct proxy *proxy;
    const struct tunnels_hooks *hooks;
    unsigned self;
    int64_t started_ms;
    struct table known; /* sessions, by name */
    struct table held;  /* tunnels, by id */
    uint64_t last_held; /* of those that came here: what is below, and not there, has ended */
    struct relay *relays;
    struct wait_list waiting; /* in the order in which they came */
    struct wait_list aside;   /* those who are just being told */
    size_t n_waiting;         /* in both */
    struct deadline patience; /* the first of them has run out */
};

/* What is known of SESSION's tunnel; NULL: nothing. */
const struct tunnel_route *tunnels_known(const struct tunnels *t, struct span session);

/* waiting.c */
void waiting_init(struct tunnels *t);
void waiting_deinit(struct tunnels *t);
/* X waits; it may be told at once that too many do. */
void waiting_add(struct tunnels *t, struct exchange *x);
/* Those who wait for SESSION look again where it is. */
void waiting_wake(struct tunnels *t, struct span session);
/* The session that X is for: the one of its route, or of the relay's field. */
struct span waiting_session(const struct exchange *x);

/* held.c: NULL: it is not here, or takes no more. */
struct adopted *held_find(const struct tunnels *t, uint64_t id);
void held_retire(struct tunnels *t, uint64_t id);
void held_init(struct tunnels *t);
void held_deinit(struct tunnels *t);

/* relay.c */
void relays_free(struct tunnels *t);
/* X goes to WORKER, which holds the tunnel ID. */
void relay_start(struct tunnels *t, unsigned worker, uint64_t id, struct exchange *x);

/* tunnel_steer.c: X, of which nothing has been sent, looks (again) where its tunnel is. */
void tunnel_steer(struct tunnels *t, struct exchange *x);
/* The agent could not bring X to its service because of WHY: whether the shared copy answers. */
bool tunnel_refused(struct exchange *x, enum page_reason why);
/* What became of X's wait: its tunnel has not come back. */
void tunnel_steer_in_vain(struct tunnels *t, struct exchange *x);
