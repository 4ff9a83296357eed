#include "proxy/back/adopted.h"

#include "proxy/back/back.h"
#include "proxy/back/back_h2.h"

static struct pool *pool_of(struct adopted *a)
{
    if (a->pool)
        pool_use(a->pool);
    else
        a->pool = pool_new_adopted(a->proxy->pools, a);
    return a->pool;
}

void adopted_bring(struct adopted *a, struct conn *from, const struct addr *peer)
{
    struct pool *p = pool_of(a);
    struct addr at = *peer;
    addr_set_port(&at, 0); /* as endpoints have it */
    if (!p->endpoints.first)
        endpoints_update(&p->endpoints, &at, 1);
    back_h2_open(p, from, p->endpoints.first);
    pool_leave(p);
}

bool adopted_takes(const struct adopted *a)
{
    return a->pool && a->pool->n_h2 > 0;
}

void adopted_start(struct adopted *a, struct exchange *x)
{
    CHECK(adopted_takes(a));
    x->adopted = a;
    back_start_adopted(a->pool, x);
}

void adopted_retire(struct adopted *a)
{
    struct back_h2 *next;
    if (!a->pool)
        return;
    struct pool *p = a->pool;
    pool_use(p);
    for (struct back_h2 *b = p->h2; b; b = next) {
        next = b->next;
        back_h2_retire(b);
    }
    pool_leave(p);
}

void adopted_left_service(struct adopted *a)
{
    if (a->pool->n_h2 > 0)
        return;
    a->ops->leaving(a);
    back_send_away(a->pool);
}

void adopted_left(struct adopted *a)
{
    a->pool = NULL;
    a->ops->gone(a);
}
