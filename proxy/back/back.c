#include "proxy/back/back.h"

#include "core/mem.h"
#include "proxy/back/adopted.h"
#include "proxy/back/back_h1.h"
#include "proxy/back/back_h2.h"
#include "proxy/back/reach.h"

/* --- exchanges that wait for a connection -------------------------------------------------------- */

/* What the client sends meanwhile stays where it is. */
void back_wait_request_body(struct exchange *x)
{
    (void)x;
}

struct span back_wait_peek(struct exchange *x, bool *end)
{
    (void)x;
    *end = false;
    return span_of(NULL, 0);
}

void back_wait_consume(struct exchange *x, size_t n)
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
    .request_body = back_wait_request_body,
    .peek = back_wait_peek,
    .consume = back_wait_consume,
    .release = stop_waiting,
};

/* --- how long they wait -------------------------------------------------------------------------- */

static uint64_t patience_ms(const struct pool *p)
{
    return p->pools->proxy->config->limits.connect_timeout_ms;
}

static void set_patience(struct pool *p);

static void fail_oldest(struct pool *p, enum page_reason why)
{
    struct exchange *x = p->waiting;
    pool_unwait(p, x);
    exchange_back_failed(x, why);
}

static void on_patience(struct ev_loop *loop, struct deadline *d)
{
    struct pool *p = CONTAINER_OF(d, struct pool, patience);
    uint64_t now = loop_now_ms(loop);
    pool_use(p);
    while (p->waiting && !p->dials && p->waiting->wait.since_ms + patience_ms(p) <= now)
        fail_oldest(p, PAGE_OVERLOADED);
    set_patience(p);
    pool_leave(p);
}

/* A dial has deadlines of its own. Without any it is connections with all streams taken that are waited
 * for. */
static void set_patience(struct pool *p)
{
    struct ev_loop *loop = p->pools->proxy->conns.loop;
    if (!p->waiting || p->dials)
        return;
    uint64_t now = loop_now_ms(loop), due = p->waiting->wait.since_ms + patience_ms(p);
    p->patience.on_due = on_patience;
    deadline_set(loop, &p->patience, due > now ? (double)(due - now) / 1000. : 0.001);
}

static void wait_for_connection(struct pool *p, struct exchange *x)
{
    x->back = p;
    x->back_ops = &back_waiting_ops;
    x->story.secured = p->to.scheme == BACKEND_HTTPS;
    story_attempt(&x->story, false);
    pool_wait(p, x);
}

/* --- dials --------------------------------------------------------------------------------------- */

static void dial_more(struct pool *p, const struct addr *avoid);

static void on_opened(struct dial *dial, enum back_protocol spoken)
{
    struct pool_dial *d = CONTAINER_OF(dial, struct pool_dial, dial);
    struct pool *p = d->pool;
    size_t waited = p->n_waiting;
    size_t n = spoken == BACK_H2 ? p->pools->proxy->config->limits.back_streams : 1;
    pool_use(p);
    for (struct exchange *x = p->waiting; x && n > 0; x = x->wait.next, n--)
        story_join(&x->story, &dial->story);
    p->speaks = spoken == BACK_H2 ? POOL_SPEAKS_H2 : POOL_SPEAKS_H1;
    if (spoken == BACK_H2)
        back_h2_open(p, &dial->conn, dial->endpoint);
    else
        back_h1_open(p, &dial->conn, dial->endpoint);
    pool_drop_dial(d);
    /* It may serve fewer than had been hoped for. One that serves nobody is no reason to open more. */
    if (p->n_waiting < waited)
        dial_more(p, NULL);
    set_patience(p);
    pool_leave(p);
}

/* How many exchanges a dial promises to serve. */
static size_t promise(const struct pool *p)
{
    return p->speaks == POOL_SPEAKS_H1 || p->h2_streams == 0 ? 1 : p->h2_streams;
}

/* Those whom the dials that are left cannot serve are told, unless there are connections to wait for. */
static void on_failed(struct dial *dial, enum page_reason why)
{
    struct pool_dial *d = CONTAINER_OF(dial, struct pool_dial, dial);
    struct pool *p = d->pool;
    pool_use(p);
    pool_drop_dial(d);
    while (p->n_h2 == 0 && p->n_waiting > p->n_dials * promise(p)) {
        struct exchange *x = p->waiting;
        story_join(&x->story, &dial->story);
        pool_unwait(p, x);
        reach_failed(p, x, why);
    }
    set_patience(p);
    pool_leave(p);
}

static const struct dial_ops dial_ops = {.opened = on_opened, .failed = on_failed};

static bool may_dial(const struct pool *p)
{
    if (p->adopted)
        return false;
    return p->speaks == POOL_SPEAKS_H1 ||
           p->n_h2 + p->n_dials < p->pools->proxy->config->limits.back_connections;
}

/* AVOID (may be NULL): an address not to try first. */
static void dial_more(struct pool *p, const struct addr *avoid)
{
    pool_use(p);
    while (p->n_waiting > p->n_dials * promise(p) && may_dial(p)) {
        struct pool_dial *d = NEW(struct pool_dial);
        pool_add_dial(p, d);
        d->dial.client = p->client;
        d->dial.local = p->local;
        d->dial.h1_only = p->h1_only;
        dial_start(&d->dial, p->pools->proxy, &dial_ops, &p->to, &p->endpoints, avoid);
    }
    set_patience(p);
    pool_leave(p);
}

void back_h2_lost(struct pool *p)
{
    if (p->waiting)
        dial_more(p, NULL);
}

/* --- start --------------------------------------------------------------------------------------- */

static uint64_t now_ms(const struct exchange *x)
{
    return loop_now_ms(x->proxy->conns.loop);
}

static void wait_or_dial(struct pool *p, struct exchange *x, const struct addr *avoid)
{
    if (p->n_waiting >= x->proxy->config->limits.back_waiting) {
        exchange_back_failed(x, PAGE_OVERLOADED);
        return;
    }
    wait_for_connection(p, x);
    dial_more(p, avoid); /* may end X */
}

/* What is known of the backend says by which way an upgrade goes. */
static struct pool *join(struct exchange *x)
{
    x->h1_only = false; /* X may have come from another backend */
    struct pool *p = pool_join(x->proxy->pools, x);
    if (x->upgrade != UPGRADE_ASKED || !p->no_connect || p->to.scheme != BACKEND_HTTPS)
        return p;
    pool_leave(p);
    x->h1_only = true;
    return pool_join(x->proxy->pools, x);
}

void back_start(struct exchange *x)
{
    struct pool *p = join(x);
    retry_budget_request(&p->budget, now_ms(x));
    if (reach_is_down(p, x))
        reach_failed(p, x, PAGE_BACK_DOWN);
    else if (!back_h1_take_idle(p, x) && !back_h2_take_up(p, x))
        wait_or_dial(p, x, NULL);
    pool_leave(p);
}

void back_detour(struct exchange *x)
{
    if (x->route.backend->to.scheme != BACKEND_HTTPS) { /* nothing else is spoken there */
        exchange_back_failed(x, PAGE_BACK_NO_UPGRADE);
        return;
    }
    x->h1_only = true;
    struct pool *p = pool_join(x->proxy->pools, x);
    if (!back_h1_take_idle(p, x))
        wait_or_dial(p, x, NULL);
    pool_leave(p);
}

/* A safe second try is made, or is one too many for this backend. Other idle connections may have died
 * with the one that failed: it is on one that is known to live, or on a new one. */
static bool try_again(struct pool *p, struct exchange *x, const struct addr *avoid)
{
    if (!retry_budget_take(&p->budget, now_ms(x))) {
        metrics_add(x->proxy->metrics, METRIC_BACK_RETRIES_REFUSED, 1);
        return false;
    }
    metrics_add(x->proxy->metrics, METRIC_BACK_RETRIES, 1);
    x->back_reset = 0;
    x->request_ended = false; /* the end of an empty body is said again, too */
    if (!back_h2_take_up(p, x))
        wait_or_dial(p, x, avoid);
    return true;
}

/* --- connections that are brought ---------------------------------------------------------------- */

void back_start_adopted(struct pool *p, struct exchange *x)
{
    pool_use(p);
    if (!back_h2_take_up(p, x)) {
        if (p->adopted->ops->crowded)
            p->adopted->ops->crowded(p->adopted);
        wait_or_dial(p, x, NULL);
    }
    pool_leave(p);
}

void back_send_away(struct pool *p)
{
    struct adopted *a = p->adopted;
    pool_use(p);
    while (p->waiting) {
        struct exchange *x = p->waiting;
        pool_unwait(p, x);
        x->back_ops = NULL;
        x->back = NULL;
        a->ops->again(a, x);
    }
    pool_leave(p);
}

/* A safe second try is the owner's to make: it knows of other ways. */
static void failed_adopted(struct exchange *x, const struct retry_facts *what)
{
    struct adopted *a = x->adopted;
    x->adopted = NULL;
    if (retry_is_safe(x, what))
        a->ops->again(a, x);
    else
        exchange_back_failed(x, what->why);
}

void back_failed(struct exchange *x, const struct retry_facts *what)
{
    bool tried = false;
    if (x->adopted) {
        failed_adopted(x, what);
        return;
    }
    if (retry_is_safe(x, what)) {
        struct pool *p = pool_join(x->proxy->pools, x);
        tried = try_again(p, x, what->at);
        pool_leave(p);
    }
    if (!tried)
        exchange_back_failed(x, what->why);
}

void back_forget(struct exchange *x)
{
    struct pool *p = pool_join(x->proxy->pools, x);
    struct back_h2 *next;
    while (p->idle)
        back_h1_close(p->idle);
    for (struct back_h2 *h = p->h2; h; h = next) {
        next = h->next;
        back_h2_retire(h);
    }
    pool_leave(p);
}

static void close_adopted(struct pool *pool)
{
    pool_use(pool);
    while (pool->h2)
        back_h2_close(pool->h2);
    pool_leave(pool);
}

void back_close_all(struct pools *p)
{
    struct table_iter it;
    p->closing = true;
    while (p->adopted)
        close_adopted(p->adopted);
    for (struct table_node *n = table_first(&p->by_hash, &it); n; n = table_next(&it)) {
        struct pool *pool = CONTAINER_OF(n, struct pool, node);
        pool_use(pool); /* it must not go before its last connection has */
        drop_dials(pool);
        while (pool->idle)
            back_h1_close(pool->idle);
        while (pool->h2)
            back_h2_close(pool->h2);
        pool_leave(pool);
    }
}
