#include "proxy/back/back.h"

#include "core/mem.h"
#include "proxy/back/back_h1.h"

/* --- exchanges that wait for a connection -------------------------------------------------------- */

/* What the client sends meanwhile stays where it is. */
static void on_request_body(struct exchange *x)
{
    (void)x;
}

static struct span peek_nothing(struct exchange *x, bool *end)
{
    (void)x;
    *end = false;
    return span_of(NULL, 0);
}

static void consume_nothing(struct exchange *x, size_t n)
{
    (void)x;
    CHECK(n == 0);
}

static void drop_dials(struct pool *p)
{
    while (p->dials)
        pool_drop_dial(p->dials);
}

/* What is being opened when nobody waits any more is not needed. */
static void stop_waiting(struct exchange *x)
{
    struct pool *p = x->back;
    pool_use(p);
    pool_unwait(p, x);
    if (p->dials)
        story_join(&x->story, &p->dials->dial.story);
    if (!p->waiting)
        drop_dials(p);
    pool_leave(p);
}

const struct back_ops back_waiting_ops = {
    .request_body = on_request_body,
    .peek = peek_nothing,
    .consume = consume_nothing,
    .release = stop_waiting,
};

static void wait_for_connection(struct pool *p, struct exchange *x)
{
    x->back = p;
    x->back_ops = &back_waiting_ops;
    x->story.secured = p->to.scheme == BACKEND_HTTPS;
    story_attempt(&x->story, false);
    pool_wait(p, x);
}

/* --- dials --------------------------------------------------------------------------------------- */

static void on_opened(struct dial *dial, enum back_protocol spoken)
{
    struct pool_dial *d = CONTAINER_OF(dial, struct pool_dial, dial);
    (void)spoken;
    if (d->pool->waiting)
        story_join(&d->pool->waiting->story, &dial->story);
    back_h1_open(d->pool, &dial->conn);
    pool_drop_dial(d);
}

/* Those whom the dials that are left cannot serve are told. */
static void on_failed(struct dial *dial, enum page_reason why)
{
    struct pool_dial *d = CONTAINER_OF(dial, struct pool_dial, dial);
    struct pool *p = d->pool;
    pool_use(p);
    pool_drop_dial(d);
    while (p->n_waiting > p->n_dials) {
        struct exchange *x = p->waiting;
        pool_unwait(p, x);
        story_join(&x->story, &dial->story);
        exchange_back_failed(x, why);
    }
    pool_leave(p);
}

static const struct dial_ops dial_ops = {.opened = on_opened, .failed = on_failed};

static void dial_more(struct pool *p)
{
    pool_use(p);
    while (p->n_dials < p->n_waiting) {
        struct pool_dial *d = NEW(struct pool_dial);
        pool_add_dial(p, d);
        dial_start(&d->dial, p->pools->proxy, &dial_ops, &p->to);
    }
    pool_leave(p);
}

/* --- start --------------------------------------------------------------------------------------- */

static void start_on_new(struct exchange *x)
{
    struct pool *p = pool_join(x->proxy->pools, x->route.backend);
    wait_for_connection(p, x);
    dial_more(p); /* may end X */
    pool_leave(p);
}

void back_start(struct exchange *x)
{
    struct pool *p = pool_join(x->proxy->pools, x->route.backend);
    if (!back_h1_take_idle(p, x)) {
        wait_for_connection(p, x);
        dial_more(p);
    }
    pool_leave(p);
}

/* Other idle connections may have died with the one that failed: the second try is on a new one. */
void back_failed(struct exchange *x, const struct retry_facts *what)
{
    if (!retry_is_safe(x, what)) {
        exchange_back_failed(x, what->why);
        return;
    }
    x->request_ended = false; /* the end of an empty body is said again, too */
    start_on_new(x);
}

void back_close_all(struct pools *p)
{
    struct table_iter it;
    for (struct table_node *n = table_first(&p->by_hash, &it); n; n = table_next(&it)) {
        struct pool *pool = CONTAINER_OF(n, struct pool, node);
        pool_use(pool); /* it must not go before its last connection has */
        drop_dials(pool);
        while (pool->idle)
            back_h1_close(pool->idle);
        pool_leave(pool);
    }
}
