/* Backend host names to addresses, by c-ares on the worker's loop, with a small cache.
 *
 * Answers are kept for their TTL, but at least a second and at most five minutes; failures for a
 * second. Both families, in the order of RFC 6724 as c-ares sorts them. The cache is bounded. */
#pragma once

#include <ev.h>

#include "config/config.h"
#include "core/addr.h"
#include "core/span.h"

#define RESOLVED_MAX 8
#define RESOLVERS_MAX 8

struct resolver;

/* Embedded in who waits. */
struct resolve_wait {
    struct resolve_wait *next, **prev; /* NULL prev: not waiting */
    /* ADDRS (port 0) live during the call; N == 0 with ERR_NOT_FOUND: there is no such name;
     * ERR_TIMEOUT: the name servers are silent. */
    void (*done)(struct resolve_wait *w, const struct addr *addrs, size_t n, enum err e);
};

/* SERVERS: the name servers to ask; NULL, or none: the system's. /etc/hosts stands before them. */
struct resolver *resolver_new(struct ev_loop *loop, const struct config_addrs *servers);
/* Those who wait are told ERR_CLOSED. */
void resolver_free(struct resolver *r);
/* W->done is called once, possibly before this returns. HOST: a terminated name. */
void resolver_ask(struct resolver *r, const char *host, struct resolve_wait *w);
void resolve_cancel(struct resolve_wait *w);
