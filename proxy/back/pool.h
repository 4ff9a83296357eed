/* What a worker has towards one backend: idle HTTP/1 connections, HTTP/2 connections, dials under way, and
 * the exchanges that wait for any of them. Private to the folder.
 *
 * Of idle connections to an address the newest is taken first, so that what is not needed grows old and
 * closes. Where the backend is told who the client is (PROXY headers), a connection to it speaks for one
 * connection of a client: each of those has a pool of its own. So have WebSockets to a backend that
 * prefers HTTP/2, but does not offer them there.
 *
 * A pool lives as long as anything is in it, and a while longer where there is something to
 * remember of the backend; its own copy of the backend's settings with it, for connections outlive the
 * session that they were opened for. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "core/loop.h"
#include "core/table.h"
#include "proxy/back/dial.h"
#include "proxy/back/endpoints.h"
#include "proxy/back/retry_budget.h"
#include "sessions/image.h"

struct back_h1;
struct back_h2;
struct health_entry;
struct health_image;
struct exchange;
struct pool;
struct proxy;

struct pool_dial {
    struct dial dial;
    struct pool *pool;
    struct pool_dial *next, **prev;
    struct turn_item reap;
};

/* How many exchanges a connection to the backend can serve at once. Of one that is reached by TLS the
 * last handshake told. */
enum pool_speaks { POOL_SPEAKS_UNKNOWN, POOL_SPEAKS_H1, POOL_SPEAKS_H2 };

struct pool {
    struct table_node node;
    struct pools *pools;
    struct turn_item reap;
    uint64_t hash;             /* of the backend */
    uint64_t key;              /* the same; or of the backend and whom it speaks for */
    struct addr client, local; /* whom: of no family where that is nobody */
    bool h1_only;              /* of exchanges that HTTP/2 would not do for */
    bool stray;                /* another backend has the same hash: not in the table */
    struct adopted
        *adopted; /* connections are brought, not dialled; not in the table, but in this list: */
    struct pool *next_adopted, **prev_adopted;
    struct config_backend to;
    char *texts; /* of `to` */
    size_t users;
    uint64_t left_ms; /* when the last of them left */
    struct endpoints endpoints;
    struct retry_budget budget;
    const struct health_entry
        *health; /* in pools->health; NULL: all is well, or it is not checked */

    enum pool_speaks speaks;
    struct back_h1 *idle; /* newest first */
    size_t n_idle;
    struct back_h2 *h2; /* newest first; with those that take no more streams */
    size_t n_h2;        /* without them */
    bool no_connect;    /* its HTTP/2 does not offer WebSockets, as it said last */
    size_t h2_streams;  /* that a connection takes, as the backend said last; at most ours */
    struct pool_dial *dials;
    size_t n_dials;
    struct exchange *waiting, **waiting_last; /* oldest first */
    size_t n_waiting;
    struct deadline patience; /* of the oldest, while nothing is being dialled */
};

struct pools {
    struct table by_hash;
    struct pool *adopted; /* those of connections that were brought */
    struct proxy *proxy;
    struct health_image *health; /* referenced; NULL: nothing is known yet */
    size_t sweep_at;             /* so many pools: those that nobody needs go */
    uint64_t chance;
    bool closing; /* nothing is remembered any more */
    nghttp2_session_callbacks *h2_callbacks;
    nghttp2_option *h2_options;
    struct buf h2_staging; /* frames on their way into records: empty between flushes */
};

void pools_init(struct pools *p, struct proxy *proxy);
/* All connections have gone. */
void pools_deinit(struct pools *p);
/* The pool for X's way to its backend, made if needed; counts one user (a connection, a dial, an exchange
 * that waits) that pool_leave takes off. */
struct pool *pool_join(struct pools *p, struct exchange *x);
/* The pool of A, with one user. */
struct pool *pool_new_adopted(struct pools *p, struct adopted *a);
void pool_use(struct pool *p);
void pool_leave(struct pool *p);

/* What the active checks have found; referenced. */
void pools_set_health(struct pools *p, struct health_image *i);
/* A number that nobody foresees; not fit for secrets. */
uint32_t pools_chance(struct pools *p);

/* X is the last to wait; it counts as a user. */
void pool_wait(struct pool *p, struct exchange *x);
/* Takes X out, as a connection takes it up or as it ends. */
void pool_unwait(struct pool *p, struct exchange *x);
void pool_add_dial(struct pool *p, struct pool_dial *d);
/* Ends D and frees it. */
void pool_drop_dial(struct pool_dial *d);
