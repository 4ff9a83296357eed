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
    back_h1_open(d->pool, &dial->conn, dial->endpoint);
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

/* AVOID (may be NULL): an address not to try first. */
static void dial_more(struct pool *p, const struct addr *avoid)
{
    pool_use(p);
    while (p->n_dials < p->n_waiting) {
        struct pool_dial *d = NEW(struct pool_dial);
        pool_add_dial(p, d);
        dial_start(&d->dial, p->pools->proxy, &dial_ops, &p->to, &p->endpoints, avoid);
    }
    pool_leave(p);
}

/* --- start --------------------------------------------------------------------------------------- */

static uint64_t now_ms(const struct exchange *x)
{
    return loop_now_ms(x->proxy->conns.loop);
}

void back_start(struct exchange *x)
{
    struct pool *p = pool_join(x->proxy->pools, x->route.backend);
    retry_budget_request(&p->budget, now_ms(x));
    if (!back_h1_take_idle(p, x)) {
        wait_for_connection(p, x);
        dial_more(p, NULL); /* may end X */
    }
    pool_leave(p);
}

/* A safe second try is made, or is one too many for this backend. Other idle connections may have died
 * with the one that failed: it is on a new one. */
static bool try_again(struct pool *p, struct exchange *x, const struct addr *avoid)
{
    if (!retry_budget_take(&p->budget, now_ms(x))) {
        metrics_add(x->proxy->metrics, METRIC_BACK_RETRIES_REFUSED, 1);
        return false;
    }
    metrics_add(x->proxy->metrics, METRIC_BACK_RETRIES, 1);
    x->request_ended = false; /* the end of an empty body is said again, too */
    wait_for_connection(p, x);
    dial_more(p, avoid); /* may end X */
    return true;
}

void back_failed(struct exchange *x, const struct retry_facts *what)
{
    bool tried = false;
    if (retry_is_safe(x, what)) {
        struct pool *p = pool_join(x->proxy->pools, x->route.backend);
        tried = try_again(p, x, what->at);
        pool_leave(p);
    }
    if (!tried)
        exchange_back_failed(x, what->why);
}

void back_close_all(struct pools *p)
{
    struct table_iter it;
    p->closing = true;
    for (struct table_node *n = table_first(&p->by_hash, &it); n; n = table_next(&it)) {
        struct pool *pool = CONTAINER_OF(n, struct pool, node);
        pool_use(pool); /* it must not go before its last connection has */
        drop_dials(pool);
        while (pool->idle)
            back_h1_close(pool->idle);
        pool_leave(pool);
    }
}
