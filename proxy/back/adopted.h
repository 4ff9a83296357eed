/* A backend whose connections are not dialled but brought, by who has them: a tunnel that an agent has
 * opened, a way to another worker. All of them speak HTTP/2 with us as the client.
 *
 * Whoever brings them keeps a `struct adopted`, which names the backend, and is told when it takes no more
 * requests and when nothing is left of it. A connection is watched by PING, whether it is used or not; it
 * never closes because it idles. One worker's thread only. */
#pragma once

#include "core/addr.h"
#include "proxy/page/page.h"
#include "sessions/image.h"

struct adopted;
struct conn;
struct exchange;
struct pool;
struct proxy;

struct adopted_ops {
    /* X, of which A's backend has seen nothing, is to go another way, or to be answered. */
    void (*again)(struct adopted *a, struct exchange *x);
    /* The same, for the other end answers WHY: it could not bring X on its way. False: nobody else can, and X is to
     * get the page for it. */
    bool (*refused)(struct adopted *a, struct exchange *x, enum page_reason why);
    /* None of the connections has room for another request: one more may be brought. May be NULL. */
    void (*crowded)(struct adopted *a);
    /* Takes no more requests: told once, until another connection is brought. */
    void (*leaving)(struct adopted *a);
    /* Nothing uses A any more: it may be freed at the end of the turn. */
    void (*gone)(struct adopted *a);
};

/* The owner sets what stands first. */
struct adopted {
    const struct adopted_ops *ops;
    struct proxy *proxy;
    const char *name;           /* for the log; lives as long as A */
    uint64_t hash;              /* that no other backend has */
    size_t streams;             /* on a connection, at most */
    enum page_reason when_lost; /* what those get whose connection is lost under them */
    /* its own: */
    struct pool *pool; /* NULL: there is no connection */
};

/* The open FROM, which led to PEER, is A's from now on. */
void adopted_bring(struct adopted *a, struct conn *from, const struct addr *peer);
/* Whether a request can be given to it. */
bool adopted_takes(const struct adopted *a);
/* X goes there. A takes requests. */
void adopted_start(struct adopted *a, struct exchange *x);
/* No new requests; each connection closes when its last has ended. */
void adopted_retire(struct adopted *a);

/* --- from back_h2.c and pool.c ------------------------------------------------------------------- */

/* A connection of A takes no more requests. */
void adopted_left_service(struct adopted *a);
/* Nothing is in A's pool any more. */
void adopted_left(struct adopted *a);
