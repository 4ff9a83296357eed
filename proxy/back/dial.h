/* Opening a connection to a backend: its name resolved, its addresses tried one after another, TLS where
 * the URL says so. The outcome is an open `struct conn`, which its owner moves to where it is to live
 * (conn_move), or why there is none.
 *
 * Which address is first, and which next, is the endpoints' to say (endpoints.h), and what becomes of
 * each attempt is told them. All attempts together have `limits.connect_timeout` from the moment when the
 * name is resolved, each of them its share of what is left. One worker's thread only. */
#pragma once

#include "config/config.h"
#include "proxy/back/endpoints.h"
#include "proxy/net/conn.h"
#include "proxy/net/resolver.h"
#include "proxy/page/page.h"
#include "proxy/story.h"

struct dial;
struct proxy;

enum back_protocol { BACK_H1, BACK_H2 };

struct dial_ops {
    /* d->conn is open to d->endpoint (which who moves it holds): it is moved before this returns, and
     * dial_end called. */
    void (*opened)(struct dial *d, enum back_protocol spoken);
    /* No address could be reached. The owner calls dial_end. */
    void (*failed)(struct dial *d, enum page_reason why);
};

/* Embedded in its owner, whose memory goes at the end of the turn (turn_reap). */
struct dial {
    struct conn conn;
    const struct dial_ops *ops;
    struct proxy *proxy;
    const struct config_backend *to;
    struct addr client,
        local;    /* set by the owner before dial_start, for a PROXY header: who connects
                                * to where; of no family: nobody, as for checks */
    bool raw;     /* the same: TLS is not ours, whatever the URL says */
    bool h1_only; /* the same: HTTP/2 is not offered */
    struct endpoints *endpoints;
    struct endpoint *endpoint; /* being tried, or open; held */
    struct resolve_wait resolve;
    struct addr tried[ENDPOINTS_LISTED_MAX + 1]; /* the one to avoid, then those tried */
    size_t n_tried;
    bool avoids; /* tried[0] was not tried */
    uint64_t until_ms;
    struct story story; /* how far it has come */
};

/* Begins; the outcome may be told before this returns. TO and ENDPOINTS (TO's) outlive D. AVOID (may be
 * NULL): an address that is the last to be tried. */
void dial_start(struct dial *d, struct proxy *p, const struct dial_ops *ops,
                const struct config_backend *to, struct endpoints *endpoints,
                const struct addr *avoid);
/* Over, whatever has come of it: nothing is told any more. */
void dial_end(struct dial *d);
