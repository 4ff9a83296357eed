/* Opening a connection to a backend: its name resolved, its addresses tried one after another, TLS where
 * the URL says so. The outcome is an open `struct conn`, which its owner moves to where it is to live
 * (conn_move), or why there is none.
 *
 * Every attempt has the deadline `limits.connect_timeout`. One worker's thread only. */
#pragma once

#include "config/config.h"
#include "proxy/net/conn.h"
#include "proxy/net/resolver.h"
#include "proxy/page/page.h"
#include "proxy/story.h"

struct dial;
struct proxy;

enum back_protocol { BACK_H1, BACK_H2 };

struct dial_ops {
    /* d->conn is open: it is moved before this returns, and dial_end called. */
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
    struct resolve_wait resolve;
    struct addr addrs[RESOLVED_MAX];
    size_t n_addrs, next_addr;
    struct story story; /* how far it has come */
};

/* Begins; the outcome may be told before this returns. TO outlives D. */
void dial_start(struct dial *d, struct proxy *p, const struct dial_ops *ops,
                const struct config_backend *to);
/* Over, whatever has come of it: nothing is told any more. */
void dial_end(struct dial *d);
