#include "server/watches.h"

#include <stdlib.h>

#include "core/mem.h"
#include "proxy/watch.h"
#include "server/broadcast.h"

/* One change on its way to the workers. When one ends, each worker fills its own place. */
struct change {
    char trace[WATCH_TRACE_LEN + 1];
    api_watch_begun *begun;
    api_watch_ended *ended;
    void *ctx;
    size_t n;
    struct sightings seen[]; /* by worker */
};

static struct change *new_change(const struct control *c, const char *trace, void *ctx)
{
    struct change *ch = mem_zalloc(sizeof *ch + c->n_workers * sizeof ch->seen[0]);
    CHECK(span_copy_z(span_str(trace), ch->trace, sizeof ch->trace) == ERR_OK);
    ch->ctx = ctx;
    ch->n = c->n_workers;
    return ch;
}

/* --- beginning ----------------------------------------------------------------------------------- */

static void apply_begin(struct edge_worker *w, void *payload)
{
    const struct change *ch = payload;
    if (w->proxy) /* NULL: it is ending */
        proxy_watch(w->proxy, ch->trace);
}

static void on_begun(struct control *c, void *payload)
{
    (void)c;
    struct change *ch = payload;
    ch->begun(ch->ctx);
    mem_free(ch);
}

void watches_begin(void *ctx, const char *trace, api_watch_begun *begun, void *begun_ctx)
{
    struct change *ch = new_change(ctx, trace, begun_ctx);
    ch->begun = begun;
    broadcast(ctx, apply_begin, on_begun, ch);
}

/* --- ending -------------------------------------------------------------------------------------- */

static void apply_end(struct edge_worker *w, void *payload)
{
    struct change *ch = payload;
    if (w->proxy)
        proxy_unwatch(w->proxy, ch->trace, &ch->seen[w->index]);
}

static json_t *text_or_null(const char *s)
{
    return *s ? json_string(s) : json_null();
}

static json_t *fields_to_json(unsigned marks)
{
    json_t *by = json_array();
    if (marks & WATCH_TRACEPARENT)
        json_array_append_new(by, json_string("traceparent"));
    if (marks & WATCH_REQUEST_ID)
        json_array_append_new(by, json_string("x-request-id"));
    return by;
}

static json_t *backend_to_json(const struct sighting *s)
{
    static const char *const places[] = {
        [PLACE_SHARED] = "shared", [PLACE_SESSION] = "session", [PLACE_TUNNEL] = "tunnel"};
    bool forwarded = s->outcome == ROUTE_TO_BACKEND || s->outcome == ROUTE_TO_TUNNEL;
    return forwarded ? json_string(places[s->place]) : json_null();
}

static json_t *to_json(const struct sighting *s, uint64_t from_us)
{
    static const char *const sources[] = {
        [SESSION_NONE] = "none",
        [SESSION_FROM_HOST] = "host",
        [SESSION_FROM_BAGGAGE] = "baggage",
        [SESSION_FROM_TRACESTATE] = "tracestate",
        [SESSION_FROM_REFERER] = "referer",
        [SESSION_FROM_ORIGIN] = "origin",
    };
    json_t *json = json_pack(
        "{s:s, s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:I}", "hop", s->hop, "caller",
        text_or_null(s->caller), "host", s->host, "service", text_or_null(s->service), "session",
        text_or_null(s->session), "from", sources[s->source], "backend", backend_to_json(s),
        "carried", fields_to_json(s->marks), "began_us", (json_int_t)(s->began_us - from_us));
    CHECK(json);
    bool over = s->ended_us != 0;
    json_object_set_new(json, "ended_us",
                        over ? json_integer((json_int_t)(s->ended_us - from_us)) : json_null());
    json_object_set_new(json, "status", s->status ? json_integer(s->status) : json_null());
    return json;
}

static int by_time(const void *a, const void *b)
{
    const struct sighting *const *x = a, *const *y = b;
    return (*x)->began_us < (*y)->began_us ? -1 : (*x)->began_us > (*y)->began_us;
}

/* All workers' in the order of time. */
static json_t *gather(const struct change *ch)
{
    size_t n = 0, missed = 0;
    for (size_t i = 0; i < ch->n; i++) {
        n += ch->seen[i].n;
        missed += ch->seen[i].missed;
    }
    const struct sighting **all = mem_zalloc((n + 1) * sizeof *all);
    size_t at = 0;
    for (size_t i = 0; i < ch->n; i++)
        for (const struct sighting *s = ch->seen[i].first; s; s = s->next)
            all[at++] = s;
    CHECK(at == n);
    qsort(all, n, sizeof *all, by_time);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, to_json(all[i], all[0]->began_us));
    mem_free(all);
    return json_pack("{s:o, s:I}", "sightings", list, "missed", (json_int_t)missed);
}

static void on_ended(struct control *c, void *payload)
{
    (void)c;
    struct change *ch = payload;
    json_t *seen = gather(ch);
    for (size_t i = 0; i < ch->n; i++)
        sightings_deinit(&ch->seen[i]);
    ch->ended(ch->ctx, seen);
    mem_free(ch);
}

void watches_end(void *ctx, const char *trace, api_watch_ended *ended, void *ended_ctx)
{
    struct change *ch = new_change(ctx, trace, ended_ctx);
    ch->ended = ended;
    broadcast(ctx, apply_end, on_ended, ch);
}
