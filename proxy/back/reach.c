#include "proxy/back/reach.h"

#include "proxy/health/health.h"
#include "proxy/steer.h"

/* A first failure is no "since". */
#define SINCE_LEAST_MS 1000

static uint64_t now_ms(const struct exchange *x)
{
    return loop_now_ms(x->proxy->conns.loop);
}

bool reach_is_down(const struct pool *p, const struct exchange *x)
{
    if (p->health && p->health->down)
        return true;
    return route_may_fall_back(&x->route) && endpoints_all_out(&p->endpoints, now_ms(x));
}

/* For the page. */
static void tell_since(const struct pool *p, struct exchange *x)
{
    uint64_t now = now_ms(x), since = p->endpoints.failing_since_ms;
    x->down.since_ms = 0;
    x->down.why = NULL;
    if (p->health && p->health->down) {
        char why[HEALTH_WHY_MAX];
        health_why(p->health->outcome, p->health->status, why);
        x->down.since_ms = p->health->since_ms;
        x->down.why = arena_strz(&x->arena, span_str(why)); /* NULL, where it is full */
    } else if (since > 0 && now - since >= SINCE_LEAST_MS) {
        x->down.since_ms = clock_wall_ms() - (int64_t)(now - since);
    }
}

void reach_failed(struct pool *p, struct exchange *x, enum page_reason why)
{
    x->back_ops = NULL;
    x->back = NULL;
    if (steer_fall_back(x))
        return;
    tell_since(p, x);
    exchange_back_failed(x, why);
}
