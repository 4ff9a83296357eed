#include "server/health.h"

#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/timefmt.h"
#include "server/broadcast.h"

/* --- to people ----------------------------------------------------------------------------------- */

static json_t *last_failure(const struct health_service *s)
{
    char why[HEALTH_WHY_MAX], at[TIMEFMT_MAX];
    if (s->last_outcome == HEALTH_WELL)
        return json_null();
    return json_pack("{s:s, s:s}", "reason", health_why(s->last_outcome, s->last_status, why), "at",
                     timefmt_rfc3339(s->last_ms, at));
}

static json_t *describe(const struct health_service *s)
{
    char since[TIMEFMT_MAX];
    json_t *json = json_pack(
        "{s:s, s:s, s:{s:I, s:I, s:I}, s:o}", "state", health_state_word(s->state), "since",
        timefmt_rfc3339(s->since_ms, since), "addresses", "up",
        (json_int_t)health_service_count(s, HEALTH_UP), "down",
        (json_int_t)health_service_count(s, HEALTH_DOWN), "unknown",
        (json_int_t)health_service_count(s, HEALTH_UNKNOWN), "last_failure", last_failure(s));
    CHECK(json);
    return json;
}

json_t *health_of_service(const struct control *c, const char *service)
{
    const struct health_service *s = health_book_find(&c->health, service);
    return s ? describe(s) : NULL;
}

static size_t count(const struct control *c, enum health_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < c->health.n; i++)
        n += c->health.v[i].state == state;
    return n;
}

json_t *health_counts(const struct control *c)
{
    return json_pack("{s:I, s:I, s:I}", "up", (json_int_t)count(c, HEALTH_UP), "down",
                     (json_int_t)count(c, HEALTH_DOWN), "unknown",
                     (json_int_t)count(c, HEALTH_UNKNOWN));
}

static void set_gauges(struct control *c)
{
    metrics_set(&c->metrics, METRIC_SERVICES_UP, count(c, HEALTH_UP));
    metrics_set(&c->metrics, METRIC_SERVICES_DOWN, count(c, HEALTH_DOWN));
    metrics_set(&c->metrics, METRIC_SERVICES_UNKNOWN, count(c, HEALTH_UNKNOWN));
}

static void tell_people(struct control *c, const struct health_service *s)
{
    char why[HEALTH_WHY_MAX];
    bool down = s->state == HEALTH_DOWN;
    LOG(down ? LOG_WARN : LOG_INFO, "health_changed", LOG_S("service", s->name),
        LOG_S("state", health_state_word(s->state)),
        LOG_U("addresses_up", health_service_count(s, HEALTH_UP)),
        LOG_U("addresses_down", health_service_count(s, HEALTH_DOWN)),
        LOG_S("why", down ? health_why(s->last_outcome, s->last_status, why) : "well"));
    if (!c->api)
        return;
    json_t *data = json_pack("{s:s, s:o}", "service", s->name, "health", describe(s));
    CHECK(data);
    api_event(c->api, "health", data);
    json_decref(data);
}

/* --- to the workers ------------------------------------------------------------------------------ */

static void apply(struct edge_worker *w, void *payload)
{
    if (w->proxy) /* NULL: it is ending */
        proxy_set_health(w->proxy, payload);
}

static void applied(struct control *c, void *payload)
{
    (void)c;
    health_image_unref(payload);
}

static void publish(struct control *c)
{
    broadcast(c, apply, applied, health_book_image(&c->health));
}

void health_configure(struct control *c)
{
    health_book_set(&c->health, c->image, clock_wall_ms());
    set_gauges(c);
    publish(c);
}

void health_deinit(struct control *c)
{
    health_book_deinit(&c->health);
}

/* --- from the worker that checks ----------------------------------------------------------------- */

struct report {
    struct mail mail;
    struct health_round round;
};

/* On control. */
static void take(struct mail *m, void *ctx)
{
    struct control *c = ctx;
    struct report *r = CONTAINER_OF(m, struct report, mail);
    const struct health_service *s;
    unsigned change = health_book_take(&c->health, &r->round, clock_wall_ms(), &s);
    mem_free(r);
    if (change & HEALTH_STATE_CHANGED) {
        set_gauges(c);
        tell_people(c, s);
    }
    if (change != HEALTH_SAME)
        publish(c);
}

void health_report(struct edge_worker *w, const struct health_round *r)
{
    struct report *report = NEW(struct report);
    report->round = *r;
    report->mail.deliver = take;
    mailbox_post(&w->control->mailbox, &report->mail);
}
