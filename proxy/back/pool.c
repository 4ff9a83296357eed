#include "proxy/back/pool.h"

#include "core/mem.h"

static struct span pool_key(const struct table_node *n)
{
    const struct pool *p = CONTAINER_OF(n, const struct pool, node);
    return span_of(&p->hash, sizeof p->hash);
}

void pools_init(struct pools *p)
{
    table_init(&p->by_hash, pool_key);
}

void pools_deinit(struct pools *p)
{
    CHECK(table_count(&p->by_hash) == 0);
    table_deinit(&p->by_hash);
}

struct pool *pool_find(struct pools *p, const struct route_backend *b)
{
    struct table_node *n = table_find(&p->by_hash, span_of(&b->hash, sizeof b->hash));
    return n ? CONTAINER_OF(n, struct pool, node) : NULL;
}

struct pool *pool_join(struct pools *p, const struct route_backend *b)
{
    struct pool *pool = pool_find(p, b);
    if (!pool) {
        pool = NEW(struct pool);
        pool->pools = p;
        pool->hash = b->hash;
        enum err e = table_insert(&p->by_hash, &pool->node);
        CHECK(e == ERR_OK);
    }
    pool->n_conns++;
    return pool;
}

void pool_leave(struct pool *p)
{
    CHECK(p->n_conns > 0);
    if (--p->n_conns > 0)
        return;
    CHECK(!p->idle);
    table_remove(&p->pools->by_hash, &p->node);
    mem_free(p);
}
