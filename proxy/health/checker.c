#include "proxy/health/checker.h"

#include "config/backend_url.h"
#include "core/mem.h"
#include "proxy/back/pool.h"
#include "proxy/health/check.h"
#include "proxy/net/resolver.h"

/* The longest time between rounds while something is wrong. */
#define HURRY_MS 1000

/* One service. */
struct watch {
    struct proxy *proxy;
    char *name;
    uint64_t hash;
    struct deadline next;

    /* A round: */
    struct edge_image *image; /* referenced; NULL: none is under way */
    const struct image_service *service;
    struct resolve_wait resolve;
    struct check checks[HEALTH_ADDRS_MAX];
    size_t n, pending;
};

struct checker {
    struct proxy *proxy;
    struct watch **v;
    size_t n;
};

/* --- a round ------------------------------------------------------------------------------------- */

static void plan(struct watch *w, uint64_t ms)
{
    uint64_t spread = ms / 5;
    ms = ms - spread / 2 + pools_chance(w->proxy->pools) % (spread + 1);
    deadline_set(w->proxy->conns.loop, &w->next, (double)ms / 1e3);
}

static void end_round(struct watch *w)
{
    resolve_cancel(&w->resolve);
    for (size_t i = 0; i < w->n; i++)
        check_cancel(&w->checks[i]);
    edge_image_unref(w->image);
    w->image = NULL;
    w->service = NULL;
    w->n = w->pending = 0;
}

static bool is_wrong(const struct watch *w, const struct health_round *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].outcome != HEALTH_WELL)
            return true;
    return r->n == 0 || health_image_find(w->proxy->pools->health, w->hash) != NULL;
}

static void conclude(struct watch *w)
{
    struct proxy *p = w->proxy;
    struct health_round r = {.hash = w->hash, .n = w->n};
    uint64_t interval = w->service->health->interval_ms;
    for (size_t i = 0; i < w->n; i++) {
        r.v[i] = w->checks[i].finding;
        metrics_add(p->metrics,
                    r.v[i].outcome == HEALTH_WELL ? METRIC_CHECKS_WELL : METRIC_CHECKS_FAILED, 1);
    }
    if (r.n == 0)
        metrics_add(p->metrics, METRIC_CHECKS_FAILED, 1);
    end_round(w);
    plan(w, is_wrong(w, &r) && interval > HURRY_MS ? HURRY_MS : interval);
    if (p->hooks->checked)
        p->hooks->checked(p->hooks->ctx, &r);
}

static void on_checked(struct check *c)
{
    struct watch *w = c->watch;
    if (--w->pending == 0)
        conclude(w);
}

static void ask_all(struct watch *w, const struct addr *addrs, size_t n)
{
    w->n = n < HEALTH_ADDRS_MAX ? n : HEALTH_ADDRS_MAX;
    w->pending = w->n + 1; /* one for us: it must not be over before all have begun */
    for (size_t i = 0; i < w->n; i++) {
        w->checks[i].watch = w;
        check_start(&w->checks[i], w->proxy, w->service, &addrs[i], on_checked);
    }
    if (--w->pending == 0)
        conclude(w);
}

static void on_resolved(struct resolve_wait *r, const struct addr *addrs, size_t n, enum err e)
{
    struct watch *w = CONTAINER_OF(r, struct watch, resolve);
    if (e != ERR_CLOSED) /* it is the resolver that ends */
        ask_all(w, addrs, n);
}

static void start_round(struct watch *w)
{
    struct addr given;
    w->image = edge_image_ref(w->proxy->edge->image);
    w->service = edge_image_service(w->image, span_str(w->name));
    CHECK(w->service && w->service->health); /* checker_update has seen to that */
    const char *host = backend_connect(&w->service->backend.to).host;
    w->resolve.done = on_resolved;
    if (addr_parse_ip(span_str(host), 0, &given) == ERR_OK)
        ask_all(w, &given, 1);
    else
        resolver_ask(w->proxy->resolver, host, &w->resolve);
}

static void on_next(struct ev_loop *loop, struct deadline *d)
{
    (void)loop;
    start_round(CONTAINER_OF(d, struct watch, next));
}

/* --- which services ------------------------------------------------------------------------------ */

static struct watch *watch_new(struct proxy *p, const struct image_service *s)
{
    struct watch *w = NEW(struct watch);
    uint64_t interval = s->health->interval_ms;
    w->proxy = p;
    w->name = mem_strdup(s->name);
    w->hash = s->backend.hash;
    deadline_init(&w->next, on_next);
    /* Soon, but not all at once. */
    uint64_t ms = pools_chance(p->pools) % (interval < HURRY_MS ? interval : HURRY_MS);
    deadline_set(p->conns.loop, &w->next, (double)ms / 1e3);
    return w;
}

static void watch_free(struct watch *w)
{
    if (w->image)
        end_round(w);
    deadline_off(w->proxy->conns.loop, &w->next);
    mem_free(w->name);
    mem_free(w);
}

static struct watch *take_watch(struct watch **v, size_t n, uint64_t hash)
{
    for (size_t i = 0; i < n; i++) {
        struct watch *w = v[i];
        if (!w || w->hash != hash)
            continue;
        v[i] = NULL;
        return w;
    }
    return NULL;
}

void checker_update(struct checker *c)
{
    const struct edge_image *image = c->proxy->edge->image;
    struct watch **old = c->v;
    size_t n_old = c->n;
    c->v = mem_zalloc((image->n_services + 1) * sizeof(struct watch *));
    c->n = 0;
    for (size_t i = 0; i < image->n_services; i++) {
        const struct image_service *s = &image->services[i];
        if (!s->health)
            continue;
        struct watch *w = take_watch(old, n_old, s->backend.hash);
        c->v[c->n++] = w ? w : watch_new(c->proxy, s);
    }
    for (size_t i = 0; i < n_old; i++)
        if (old[i])
            watch_free(old[i]);
    mem_free(old);
}

struct checker *checker_new(struct proxy *p)
{
    struct checker *c = NEW(struct checker);
    c->proxy = p;
    checker_update(c);
    return c;
}

void checker_free(struct checker *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        watch_free(c->v[i]);
    mem_free(c->v);
    mem_free(c);
}
