/* POST /v1/watches, DELETE /v1/watches/{trace_id}: what becomes of the requests of one trace
 * (docs/doctor.md). The trace-id is made here and cannot be guessed, so that what is seen is what whoever
 * was given it has caused. */
#include <stdio.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/timefmt.h"
#include "sessions/api_internal.h"

static struct span token_of(const struct api_request *q)
{
    return q->token ? span_str(q->token->id) : SPAN_LIT("");
}

/* --- until when ---------------------------------------------------------------------------------- */

static int64_t now_ms(const struct api *a)
{
    return (int64_t)loop_now_ms(a->loop);
}

static void set_expiry(struct api *a)
{
    int64_t next = watch_book_next_ms(&a->watches), left = next - now_ms(a);
    ev_timer_stop(a->loop, &a->watch_expiry);
    if (next < 0)
        return;
    ev_timer_set(&a->watch_expiry, left > 0 ? (double)left / 1000 : 0., 0.);
    ev_timer_start(a->loop, &a->watch_expiry);
}

static void on_forgotten(void *ctx, json_t *seen)
{
    (void)ctx;
    json_decref(seen);
}

/* What nobody has asked for. ID: not the book's. */
static void forget(struct api *a, const char *id)
{
    if (watch_book_remove(&a->watches, span_str(id)))
        a->facts.watch_end(a->facts.ctx, id, on_forgotten, NULL);
    set_expiry(a);
}

static void on_expiry(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct api *a = CONTAINER_OF(timer, struct api, watch_expiry);
    const struct watch_entry *e;
    while ((e = watch_book_over(&a->watches, now_ms(a)))) {
        char id[WATCH_ID_MAX];
        memcpy(id, e->id, sizeof id);
        forget(a, id);
    }
    set_expiry(a);
}

void api_watches_init(struct api *a)
{
    ev_timer_init(&a->watch_expiry, on_expiry, 0., 0.);
}

void api_watches_deinit(struct api *a)
{
    ev_timer_stop(a->loop, &a->watch_expiry);
}

/* --- beginning ----------------------------------------------------------------------------------- */

static void answer_begun(struct api *a, struct api_call *c, const struct watch_entry *e)
{
    char location[64], ends[TIMEFMT_MAX];
    snprintf(location, sizeof location, "/v1/watches/%s", e->id);
    const struct api_field extra[] = {{"location", location}};
    int64_t at = clock_wall_ms() + e->ends_ms - now_ms(a);
    api_answer_json(c, 201,
                    json_pack("{s:s, s:s, s:s}", "trace_id", e->id, "session", e->session,
                              "expires", timefmt_rfc3339(at, ends)),
                    extra, 1);
}

static void on_begun(void *ctx)
{
    struct api_wait *w = (struct api_wait *)ctx;
    struct api *a = w->api;
    struct api_call *c = w->call;
    char id[WATCH_ID_MAX];
    memcpy(id, w->watch, sizeof id);
    const struct watch_entry *e = a ? watch_book_find(&a->watches, span_str(id),
                                                      span_str(w->token_id))
                                    : NULL;
    api_wait_end(w);
    if (!a)
        return;
    if (c && e)
        answer_begun(a, c, e);
    else if (c)
        api_problem(c, 503, NULL, "It took too long to begin the watch.");
    else
        forget(a, id); /* nobody was told of it */
}

/* Whoever may change a session may watch it. */
static const struct session *own_session(struct api_request *q)
{
    const char *key, *name = json_string_value(json_object_get(q->body, "session"));
    json_t *value;
    json_object_foreach(q->body, key, value) if (strcmp(key, "session") != 0)
    {
        api_problem(q->call, 422, key, "A watch has a \"session\" only.");
        return NULL;
    }
    if (!name) {
        api_problem(q->call, 422, "session", "It must name a session.");
        return NULL;
    }
    const struct session *s = registry_find(q->api->registry, span_str(name));
    if (!s)
        api_problem(q->call, 404, "session", "There is no session \"%s\".", name);
    else if (!q->admin && !span_eq(span_str(s->owner_token), token_of(q)))
        api_problem(q->call, 403, "session", "The session \"%s\" is another's.", name);
    else
        return s;
    return NULL;
}

static void refuse_more(struct api_call *c)
{
    static const struct api_field later[] = {{"retry-after", "60"}};
    api_problem_with(c, 503, later, 1, "Too much is watched already: at most %d, and %d a token.",
                     WATCHES_MAX, WATCHES_OF_TOKEN_MAX);
}

void api_watch_begin(struct api_request *q)
{
    struct api *a = q->api;
    const struct session *s = own_session(q);
    if (!s)
        return;
    const struct watch_entry *e = NULL;
    if (a->facts.watch_begin)
        e = watch_book_add(&a->watches, token_of(q), span_str(s->name), now_ms(a));
    if (!e) {
        refuse_more(q->call);
        return;
    }
    set_expiry(a);
    LOG(LOG_INFO, "watch_begun", LOG_S("session", s->name), LOG_S("token", e->token));
    struct api_wait *w = api_wait_new(q);
    memcpy(w->watch, e->id, sizeof w->watch);
    a->facts.watch_begin(a->facts.ctx, w->watch, on_begun, w);
}

/* --- ending -------------------------------------------------------------------------------------- */

static void on_ended(void *ctx, json_t *seen)
{
    struct api_wait *w = (struct api_wait *)ctx;
    struct api_call *c = w->call;
    bool there = w->api != NULL;
    json_object_set_new(seen, "trace_id", json_string(w->watch));
    api_wait_end(w);
    if (there && c)
        api_answer_json(c, 200, seen, NULL, 0);
    else
        json_decref(seen);
}

void api_watch_end(struct api_request *q)
{
    struct api *a = q->api;
    const struct watch_entry *e = watch_book_find(&a->watches, span_str(q->param), token_of(q));
    if (!e) {
        api_problem(q->call, 404, NULL, "There is no such watch: it is over after %d s.",
                    WATCH_LIFE_MS / 1000);
        return;
    }
    struct api_wait *w = api_wait_new(q);
    memcpy(w->watch, e->id, sizeof w->watch);
    watch_book_remove(&a->watches, span_str(w->watch));
    set_expiry(a);
    a->facts.watch_end(a->facts.ctx, w->watch, on_ended, w);
}
