/* Idle connections to backends, kept for the next exchange; one set of pools a worker.
 *
 * The newest is taken first, so that what is not needed grows old and closes. A pool lives as long as
 * it has connections, idle or busy. Private to the folder. */
#pragma once

#include "core/table.h"
#include "sessions/image.h"

struct back_h1;

struct pool {
    struct table_node node;
    struct pools *pools;
    uint64_t hash;
    struct back_h1 *idle; /* newest first */
    size_t n_idle, n_conns;
};

struct pools {
    struct table by_hash;
};

void pools_init(struct pools *p);
/* All connections have gone. */
void pools_deinit(struct pools *p);
/* The pool for B, made if needed; counts one connection that pool_leave takes off. */
struct pool *pool_join(struct pools *p, const struct route_backend *b);
/* The pool for B if there is one. */
struct pool *pool_find(struct pools *p, const struct route_backend *b);
void pool_leave(struct pool *p);
