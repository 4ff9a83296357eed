#include "proxy/upgrade.h"

#include "core/mem.h"
#include "proxy/page/own_answer.h"
#include "proxy/steer.h"

/* The silence of open ones is looked at this often, which is as exact as it needs to be. */
#define ROUND_MS 60000

static uint64_t silence_max_ms(const struct exchange *x)
{
    const struct config_limits *l = &x->proxy->config->limits;
    bool half = x->request_ended || x->response_ended || x->side_ended;
    return half && l->idle_timeout_ms < l->upgrade_idle_ms ? l->idle_timeout_ms
                                                           : l->upgrade_idle_ms;
}

/* The next look: also where one side ends before it. */
static void set_round(struct exchange *x)
{
    const struct config_limits *l = &x->proxy->config->limits;
    uint64_t ms = l->idle_timeout_ms < l->upgrade_idle_ms ? l->idle_timeout_ms : l->upgrade_idle_ms;
    if (ms > ROUND_MS)
        ms = ROUND_MS;
    deadline_set(x->proxy->conns.loop, &x->quiet.round, (double)ms / 1000.);
}

static void on_round(struct ev_loop *loop, struct deadline *d)
{
    struct exchange *x = CONTAINER_OF(d, struct exchange, quiet.round);
    uint64_t moved = x->request_bytes + x->response_bytes, now = loop_now_ms(loop);
    if (moved != x->quiet.had_moved) {
        x->quiet.had_moved = moved;
        x->quiet.since_ms = now;
        steer_session_used(x); /* a session is alive as long as its WebSockets are in use */
    }
    if (now - x->quiet.since_ms < silence_max_ms(x)) {
        set_round(x);
        return;
    }
    story_ends(&x->story, END_LIMIT);
    x->front_ops->abort(x);
}

static void count(struct exchange *x)
{
    struct metrics *m = x->proxy->metrics;
    metrics_add(m, x->passed ? METRIC_PASSED : METRIC_WEBSOCKETS, 1);
    metrics_add(m, x->passed ? METRIC_PASSED_OPEN : METRIC_WEBSOCKETS_OPEN, 1);
}

void upgrade_begin(struct exchange *x)
{
    x->upgrade = UPGRADE_DONE;
    x->response.body = BODY_STREAM;
    count(x);
    deadline_init(&x->quiet.round, on_round);
    x->quiet.since_ms = loop_now_ms(x->proxy->conns.loop);
    set_round(x);
}

bool upgrade_answered(struct exchange *x)
{
    if (x->response.status == 101) {
        CHECK(x->upgrade == UPGRADE_ASKED);
        upgrade_begin(x);
        return true;
    }
    x->upgrade = UPGRADE_NONE;
    x->request_ended = true; /* it has no body, whatever the client sends behind it */
    /* RFC 8441 5: over HTTP/2 every 2xx is consent. */
    if (!x->http2 || x->response.status / 100 != 2)
        return true;
    own_answer_page(x, PAGE_BACK_NO_UPGRADE, NULL);
    return false;
}

void upgrade_end(struct exchange *x)
{
    if (x->upgrade != UPGRADE_DONE)
        return;
    deadline_off(x->proxy->conns.loop, &x->quiet.round);
    metrics_sub(x->proxy->metrics, x->passed ? METRIC_PASSED_OPEN : METRIC_WEBSOCKETS_OPEN, 1);
}
