#include "proxy/exchange.h"

#include "core/mem.h"
#include "proxy/access/access_log.h"
#include "proxy/page/own_answer.h"
#include "proxy/steer.h"
#include "proxy/upgrade.h"
#include "proxy/watch.h"

/* Exchanges that are kept for reuse by a worker: enough for many streams, little when idle. */
#define FREE_KEEP 256

struct exchange_slot {
    struct exchange x;
    char first[EXCHANGE_FIRST];
};

struct exchange *exchange_new(struct proxy *p, const struct front_ops *ops, void *front)
{
    struct exchange *x = p->free_exchanges;
    if (x) {
        p->free_exchanges = x->next_free;
        p->n_free_exchanges--;
    } else {
        x = &NEW(struct exchange_slot)->x;
    }
    memset(x, 0, sizeof *x);
    x->proxy = p;
    x->front_ops = ops;
    x->front = front;
    x->story.started_us = clock_us();
    buf_init(&x->own.body, LOCAL_ANSWER_MAX);
    arena_init(&x->arena, CONTAINER_OF(x, struct exchange_slot, x)->first, EXCHANGE_FIRST,
               EXCHANGE_ARENA_MAX);
    p->edge->pins++;
    x->edge = p->edge;
    metrics_add(p->metrics, METRIC_EXCHANGES_OPEN, 1);
    return x;
}

static void exchange_free(struct turn_item *i)
{
    struct exchange *x = CONTAINER_OF(i, struct exchange, reap);
    struct proxy *p = x->proxy;
    buf_deinit(&x->own.body);
    arena_deinit(&x->arena);
    if (p->n_free_exchanges >= FREE_KEEP) {
        mem_free(CONTAINER_OF(x, struct exchange_slot, x));
        return;
    }
    x->next_free = p->free_exchanges;
    p->free_exchanges = x;
    p->n_free_exchanges++;
}

void exchange_free_spare(struct proxy *p)
{
    while (p->free_exchanges) {
        struct exchange *x = p->free_exchanges;
        p->free_exchanges = x->next_free;
        mem_free(CONTAINER_OF(x, struct exchange_slot, x));
    }
    p->n_free_exchanges = 0;
}

/* A request's head may have taken long to come: what it is routed by is what there is now. */
static void pin_current_edge(struct exchange *x)
{
    edge_pin_drop(x->edge);
    x->edge = x->proxy->edge;
    x->edge->pins++;
}

void exchange_begin(struct exchange *x)
{
    if (x->edge != x->proxy->edge)
        pin_current_edge(x);
    if (!x->uncounted)
        metrics_add(x->proxy->metrics, x->http2 ? METRIC_EXCHANGES_H2 : METRIC_EXCHANGES_H1, 1);
    if (x->request.upgrade.len > 0)
        x->upgrade = UPGRADE_ASKED;
    steer(x);
}

void exchange_refuse(struct exchange *x, enum page_reason why, const char *detail)
{
    own_answer_page(x, why, detail);
}

void exchange_request_body(struct exchange *x)
{
    if (x->back_ops && !x->done)
        x->back_ops->request_body(x);
}

void exchange_drop_back(struct exchange *x)
{
    const struct back_ops *ops = x->back_ops;
    x->back_ops = NULL;
    if (ops)
        ops->release(x);
    x->back = NULL;
}

bool exchange_is_complete(const struct exchange *x)
{
    if (x->passed)
        return x->request_ended && x->response_ended;
    return x->answered > 0 &&
           (x->response_ended || exchange_bodyless(x) || x->response.body == BODY_NONE ||
            (x->response.body == BODY_LENGTH && x->response_bytes >= x->response.content_length));
}

static void count_cut(struct exchange *x)
{
    enum metric_id by = METRIC_CUT_EDGE;
    if (exchange_is_complete(x))
        return;
    if (x->story.end == END_BACK_BROKE || x->story.end == END_BACK_SILENT)
        by = METRIC_CUT_BACKEND;
    else if (x->story.end != END_LIMIT && x->story.end != END_DRAIN)
        by = METRIC_CUT_CLIENT;
    metrics_add(x->proxy->metrics, by, 1);
}

static void count_inner(const struct exchange *x)
{
    const struct proxy_hooks *hooks = x->proxy->hooks;
    if (listen_is_inner(x->kind) && hooks->inner_done)
        hooks->inner_done(hooks->ctx, x);
}

void exchange_done(struct exchange *x)
{
    CHECK(!x->done);
    x->done = true;
    exchange_drop_back(x);
    upgrade_end(x);
    if (!x->uncounted) {
        access_log_write(x->proxy->access, x);
        count_cut(x);
    } else {
        count_inner(x);
    }
    if (x->sighting)
        watch_note_end(x);
    if (x->session)
        session_entry_unpin(x->session);
    edge_pin_drop(x->edge);
    metrics_sub(x->proxy->metrics, METRIC_EXCHANGES_OPEN, 1);
    x->reap.run = exchange_free;
    turn_reap(&x->proxy->conns.turn, &x->reap);
}

struct forward_facts exchange_facts(const struct exchange *x, struct span via_name)
{
    return (struct forward_facts){
        .client = &x->client,
        .config = x->edge->image->config,
        .host = x->host,
        .public_port = x->port,
        .secure = x->secure,
        .route = &x->route,
        .via_name = via_name,
    };
}

/* --- towards the back ---------------------------------------------------------------------------- */

struct span exchange_request_peek(struct exchange *x, bool *end)
{
    bool holds = x->request.upgrade.len > 0 && x->upgrade != UPGRADE_DONE;
    if (x->done || holds) {
        /* What a client says after its request belongs to the upgrade, or to nobody. */
        *end = x->done || x->upgrade == UPGRADE_NONE;
        return span_of(NULL, 0);
    }
    return x->front_ops->peek(x, end);
}

void exchange_request_consume(struct exchange *x, size_t n)
{
    x->request_bytes += n;
    x->front_ops->consume(x, n);
}

/* --- towards the front --------------------------------------------------------------------------- */

static void count_status(struct exchange *x)
{
    static const enum metric_id by_class[] = {METRIC_STATUS_2XX, METRIC_STATUS_3XX,
                                              METRIC_STATUS_4XX, METRIC_STATUS_5XX};
    x->answered = x->response.status;
    int class = x->response.status / 100;
    if (class >= 2 && class <= 5)
        metrics_add(x->proxy->metrics, by_class[class - 2], 1);
}

bool exchange_bodyless(const struct exchange *x)
{
    return x->request.method == METHOD_HEAD || x->response.status == 204 ||
           x->response.status == 304;
}

void exchange_head(struct exchange *x)
{
    CHECK(!x->head_sent);
    if (x->request.upgrade.len > 0 && !upgrade_answered(x))
        return;
    CHECK(x->response.status != 101 || x->upgrade == UPGRADE_DONE);
    story_mark(&x->story, MOMENT_HEAD);
    if (x->kind == LISTEN_HTTPS)
        metrics_observe_head(x->proxy->metrics, x->story.at_us[MOMENT_HEAD] - x->story.started_us);
    x->head_sent = true;
    if (!x->uncounted)
        count_status(x);
    x->front_ops->head(x);
}

void exchange_interim(struct exchange *x, struct response_head *h)
{
    if (x->done || x->head_sent)
        return;
    if (forward_interim(h, &x->arena) == ERR_OK) /* else it is left out: it is only a hint */
        x->front_ops->interim(x, h);
}

void exchange_response_body(struct exchange *x)
{
    if (!x->done)
        x->front_ops->response_body(x);
}

void exchange_back_finished(struct exchange *x)
{
    x->back_ops = NULL;
    x->back = NULL;
    x->response_ended = true;
}

void exchange_back_failed(struct exchange *x, enum page_reason why)
{
    x->back_ops = NULL;
    x->back = NULL;
    if (x->done)
        return;
    if (!x->head_sent) {
        if (x->front_ops->failed)
            x->front_ops->failed(x, why);
        else
            own_answer_page(x, why, NULL);
        return;
    }
    story_ends(&x->story, why == PAGE_BACK_SILENT ? END_BACK_SILENT : END_BACK_BROKE);
    x->front_ops->abort(x);
}

struct span exchange_peek(struct exchange *x, bool *end)
{
    if (x->back_ops)
        return x->back_ops->peek(x, end);
    *end = true;
    return span_of(NULL, 0);
}

void exchange_consume(struct exchange *x, size_t n)
{
    x->response_bytes += n;
    if (x->back_ops)
        x->back_ops->consume(x, n);
}
