#include "proxy/watch.h"

#include "core/mem.h"
#include "proxy/exchange.h"

struct watch {
    struct watch *next;
    char trace[WATCH_TRACE_LEN + 1];
    struct sightings seen;
};

/* --- what is watched ----------------------------------------------------------------------------- */

void proxy_watch(struct proxy *p, const char *trace)
{
    CHECK(strlen(trace) == WATCH_TRACE_LEN);
    struct watch *w = NEW(struct watch);
    memcpy(w->trace, trace, sizeof w->trace);
    w->seen.end = &w->seen.first;
    w->next = p->watches;
    p->watches = w;
}

/* Exchanges go on without being watched. */
static void let_go(struct watch *w)
{
    for (struct sighting *s = w->seen.first; s; s = s->next)
        if (s->exchange) {
            s->status = s->exchange->answered;
            s->exchange->sighting = NULL;
            s->exchange = NULL;
        }
}

void proxy_unwatch(struct proxy *p, const char *trace, struct sightings *out)
{
    *out = (struct sightings){0};
    for (struct watch **at = &p->watches; *at; at = &(*at)->next) {
        struct watch *w = *at;
        if (strcmp(w->trace, trace) != 0)
            continue;
        *at = w->next;
        let_go(w);
        *out = w->seen;
        mem_free(w);
        return;
    }
}

void sightings_deinit(struct sightings *s)
{
    struct sighting *next;
    for (struct sighting *one = s->first; one; one = next) {
        next = one->next;
        mem_free(one);
    }
    *s = (struct sightings){0};
}

void watch_close(struct proxy *p)
{
    while (p->watches) {
        struct sightings seen;
        proxy_unwatch(p, p->watches->trace, &seen);
        sightings_deinit(&seen);
    }
}

/* --- sightings ----------------------------------------------------------------------------------- */

/* Names are cut rather than left out. */
static void keep(char *to, size_t cap, struct span s)
{
    size_t n = s.len < cap ? s.len : cap - 1;
    if (n > 0)
        memcpy(to, s.p, n);
    to[n] = '\0';
}

static void note_place(struct sighting *s, const struct exchange *x)
{
    s->outcome = x->route.outcome;
    s->place = x->route.place;
}

static void write_down(struct watch *w, struct exchange *x, const struct watch_marks *m)
{
    if (w->seen.n == WATCH_SIGHTINGS_MAX) {
        w->seen.missed++;
        return;
    }
    struct sighting *s = NEW(struct sighting);
    s->exchange = x;
    s->began_us = x->story.at_us[MOMENT_ROUTED];
    s->marks = m->by;
    tracing_span_id(s->hop);
    keep(s->caller, sizeof s->caller, m->caller);
    keep(s->host, sizeof s->host, x->host);
    keep(s->service, sizeof s->service, x->route.service);
    keep(s->session, sizeof s->session, x->route.session_name);
    s->source = x->route.session_source;
    note_place(s, x);
    *w->seen.end = s;
    w->seen.end = &s->next;
    w->seen.n++;
    x->sighting = s;
}

void watch_look(struct exchange *x)
{
    struct watch_marks m;
    if (x->route.outcome == ROUTE_TO_EDGE)
        return;
    for (struct watch *w = x->proxy->watches; w; w = w->next)
        if (watch_marks_read(span_str(w->trace), &x->request.fields, &m)) {
            write_down(w, x, &m);
            return;
        }
}

void watch_note_end(struct exchange *x)
{
    struct sighting *s = x->sighting;
    x->sighting = NULL;
    s->exchange = NULL;
    s->ended_us = clock_us();
    s->status = x->answered;
    note_place(s, x); /* it may have fallen back */
}

/* --- on the way ---------------------------------------------------------------------------------- */

/* The trace-id is the watch's: it came in one of the two fields. */
static struct span trace_of(const struct exchange *x)
{
    const struct field *id = fields_find(&x->request.fields, FIELD_X_REQUEST_ID);
    struct span trace, parent;
    if (x->sighting->marks & WATCH_TRACEPARENT &&
        tracing_parse(&x->request.fields, &trace, &parent))
        return trace;
    CHECK(id);
    return span_sub(id->value, 0, WATCH_TRACE_LEN);
}

/* "not sampled" is whose span it is to say. */
static struct span flags_of(const struct exchange *x)
{
    const struct field *f = fields_find(&x->request.fields, FIELD_TRACEPARENT);
    return f && x->sighting->marks & WATCH_TRACEPARENT ? span_sub(f->value, 53, 2) : SPAN_LIT("01");
}

enum err watch_mark(struct exchange *x)
{
    struct fields *f = &x->request.fields;
    struct span trace = trace_of(x), flags = flags_of(x);
    const char *hop = x->sighting->hop;
    struct span id = arena_printf(&x->arena, SPAN_FMT "-%s", SPAN_ARG(trace), hop);
    struct span parent = arena_printf(&x->arena, "00-" SPAN_FMT "-%s-" SPAN_FMT, SPAN_ARG(trace),
                                      hop, SPAN_ARG(flags));
    if (!id.p || !parent.p)
        return ERR_FULL;
    TRY(fields_set(f, &x->arena, FIELD_X_REQUEST_ID, id));
    TRY(fields_set(f, &x->arena, FIELD_TRACEPARENT, parent));
    return tracing_hop(f, span_of(hop, TRACING_SPAN_LEN), &x->arena);
}
