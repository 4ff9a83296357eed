#include "cli/context_findings.h"

#include <stdint.h>
#include <string.h>

#include "cli/edge.h"

#define CHECK_NAME "context"

/* A request that passed the edge. */
struct hop {
    const char *id, *caller_id;
    const char *service; /* the host where there is none */
    const char *session, *from;
    bool shared;    /* the shared copy answered */
    bool by_parent; /* traceparent was handed on to it */
    int status;     /* 0: not answered yet */
    json_int_t began, ended;
    const struct hop *caller; /* NULL: not known */
    bool sure;                /* that it was the caller */
    bool in_session;
    bool said; /* with one like it */
};

struct walk {
    struct doctor *d;
    const struct context_seen *seen;
    struct hop *v;
    size_t n;
};

/* --- reading ------------------------------------------------------------------------------------- */

static bool list_has(const json_t *list, const char *text)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) if (json_is_string(one) &&
                                         strcmp(json_string_value(one), text) == 0) return true;
    return false;
}

static void read_hop(struct hop *h, const json_t *j, const char *session)
{
    const json_t *ended = json_object_get(j, "ended_us");
    const char *service = json_text(j, "service");
    *h = (struct hop){
        .id = json_text(j, "hop"),
        .caller_id = json_text(j, "caller"),
        .service = *service ? service : json_text(j, "host"),
        .session = json_text(j, "session"),
        .from = json_text(j, "from"),
        .shared = strcmp(json_text(j, "backend"), "shared") == 0,
        .by_parent = list_has(json_object_get(j, "carried"), "traceparent"),
        .status = (int)json_integer_value(json_object_get(j, "status")),
        .began = json_integer_value(json_object_get(j, "began_us")),
        .ended = json_is_integer(ended) ? json_integer_value(ended) : INT64_MAX,
    };
    h->in_session = strcmp(h->session, session) == 0;
}

/* Whoever was busy when H began: the last to begin. Sure where nobody else was. */
static void guess_caller(struct walk *w, struct hop *h)
{
    size_t busy = 0;
    for (struct hop *o = w->v; o < h; o++)
        if (o->ended > h->began) {
            h->caller = o;
            busy++;
        }
    h->sure = busy == 1;
}

static void find_caller(struct walk *w, struct hop *h)
{
    for (struct hop *o = w->v; o < w->v + w->n; o++)
        if (o != h && strcmp(o->id, h->caller_id) == 0) {
            h->caller = o;
            h->sure = true;
            return;
        }
    guess_caller(w, h);
}

static void read_hops(struct walk *w)
{
    const json_t *list = w->seen->sightings;
    w->n = json_array_size(list);
    w->v = (struct hop *)arena_must_alloc(&w->d->cli->arena, (w->n + 1) * sizeof *w->v);
    for (size_t i = 0; i < w->n; i++)
        read_hop(&w->v[i], json_array_get(list, i), w->seen->session);
    for (size_t i = 1; i < w->n; i++)
        find_caller(w, &w->v[i]);
}

/* --- saying -------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char *caller_name(const struct hop *h)
{
    return h->caller ? h->caller->service : "";
}

/* One line will do for both. */
static bool alike(const struct hop *a, const struct hop *b)
{
    return same_text(caller_name(a), caller_name(b)) && same_text(a->service, b->service) &&
           same_text(a->session, b->session) && same_text(a->from, b->from) &&
           (a->caller && a->caller->in_session) == (b->caller && b->caller->in_session) &&
           a->sure == b->sure && a->shared == b->shared && (a->status < 400) == (b->status < 400);
}

static size_t take_alike(struct walk *w, const struct hop *h)
{
    size_t n = 0;
    for (struct hop *o = w->v + 1; o < w->v + w->n; o++)
        if (!o->said && alike(o, h)) {
            o->said = true;
            n++;
        }
    return n;
}

/* "web -> api", "web (perhaps) -> api, 3 times": */
static const char *arrow(struct walk *w, const struct hop *h)
{
    struct cli *c = w->d->cli;
    size_t times = take_alike(w, h);
    const char *who = h->caller ? h->caller->service : "somebody";
    return cli_text(c, "%s%s -> %s%s", who, h->caller && !h->sure ? " (perhaps)" : "", h->service,
                    times > 1 ? cli_text(c, ", %zu times", times) : "");
}

static const char *status_text(struct walk *w, const struct hop *h)
{
    return h->status >= 400 ? cli_text(w->d->cli, "; it answered %d", h->status) : "";
}

/* How its context was lost on the way to H; once for each who loses it. */
static const char *mend(struct walk *w, const struct hop *h)
{
    struct cli *c = w->d->cli;
    const char *who = h->caller ? h->caller->service : "whoever calls it";
    const char *passes = h->by_parent ? "passes traceparent on, but neither baggage nor tracestate"
                                      : "passes x-request-id on, and nothing else";
    const char *text = cli_text(c,
                                "%s %s. What it receives in baggage (or tracestate) belongs into "
                                "the requests that it makes: "
                                "with OpenTelemetry OTEL_PROPAGATORS=tracecontext,baggage does it, "
                                "else copy the two fields",
                                who, passes);
    for (const struct finding *f = w->d->first; f; f = f->next)
        if (f->advice && same_text(f->advice, text))
            return NULL;
    return text;
}

static void find(struct walk *w, enum verdict v, const char *text, const char *advice)
{
    doctor_find(w->d, CHECK_NAME, v, text, advice);
}

static void find_kept(struct walk *w, const struct hop *h, const char *way)
{
    bool fragile = same_text(h->from, "referer") || same_text(h->from, "origin");
    find(w, fragile ? DOUBTFUL : WELL,
         cli_text(w->d->cli, "%s: in the session, by %s%s%s", way,
                  same_text(h->from, "host") ? "its host" : h->from, fragile ? " only" : "",
                  status_text(w, h)),
         fragile ? mend(w, h) : NULL);
}

/* What the loss means: whose copy answered. */
static const char *instead(struct walk *w, const struct hop *h)
{
    if (*h->session)
        return cli_text(w->d->cli, "in \"%s\" instead", h->session);
    if (json_object_get(w->seen->own, h->service))
        return h->shared ? "the shared copy answered, not the session's own"
                         : "the session's own was not asked";
    return h->shared ? "the shared copy, as it happens, is right" : "nobody answered for it";
}

static void find_lost(struct walk *w, const struct hop *h, const char *way)
{
    struct cli *c = w->d->cli;
    if (h->caller && !h->caller->in_session)
        find(w, UNCHECKED,
             cli_text(c, "%s: outside the session, as %s was called%s", way, h->caller->service,
                      status_text(w, h)),
             NULL);
    else
        find(w, ILL,
             cli_text(c, "%s: without the session's context; %s%s", way, instead(w, h),
                      status_text(w, h)),
             mend(w, h));
}

static void find_first(struct walk *w, const struct hop *h)
{
    struct cli *c = w->d->cli;
    if (!h->in_session)
        find(w, ILL, cli_text(c, "%s was not asked in the session", h->service),
             "has it ended meanwhile?");
    else if (h->status == 0)
        find(w, DOUBTFUL, cli_text(c, "%s received the context, and has not answered", h->service),
             "what it calls later is not seen: --timeout SECONDS waits longer");
    else if (h->status >= 400)
        find(w, DOUBTFUL,
             cli_text(c, "%s received the context, and answered %d", h->service, h->status),
             "it may have called nobody: give a URL that works, and what it needs with -H "
             "(cookies)");
    else
        find(w, WELL,
             cli_text(c, "%s received the context, and answered %d", h->service, h->status), NULL);
}

/* --- who calls nobody ---------------------------------------------------------------------------- */

static bool calls_somebody(const struct walk *w, const char *service)
{
    for (size_t i = 1; i < w->n; i++)
        if (same_text(caller_name(&w->v[i]), service))
            return true;
    return false;
}

static bool is_first_of_service(const struct walk *w, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (w->v[j].in_session && same_text(w->v[j].service, w->v[i].service))
            return false;
    return true;
}

/* Most likely they have nobody to call; but one that hands on nothing at all looks the same. */
static void find_silent(struct walk *w)
{
    struct cli *c = w->d->cli;
    const char *names = "";
    for (size_t i = 0; i < w->n; i++)
        if (w->v[i].in_session && is_first_of_service(w, i) && !calls_somebody(w, w->v[i].service))
            names = cli_text(c, "%s%s%s", names, *names ? ", " : "", w->v[i].service);
    if (*names)
        find(w, UNCHECKED, cli_text(c, "no calls were seen of %s", names),
             "if there were some, they had none of baggage, tracestate, traceparent and "
             "x-request-id, or "
             "did not go through the edge (https://SERVICE.ZONE): neither can be seen here");
}

void context_find(struct doctor *d, const struct context_seen *seen)
{
    struct walk w = {.d = d, .seen = seen};
    read_hops(&w);
    if (w.n == 0) {
        find(&w, ILL, "the request did not come to this edge",
             "what answers at the URL's host is not this edge: see the checks of names");
        return;
    }
    find_first(&w, &w.v[0]);
    for (size_t i = 1; i < w.n; i++) {
        const struct hop *h = &w.v[i];
        if (h->said)
            continue;
        const char *way = arrow(&w, h);
        if (h->in_session)
            find_kept(&w, h, way);
        else
            find_lost(&w, h, way);
    }
    find_silent(&w);
    if (seen->missed > 0)
        find(&w, UNCHECKED,
             cli_text(d->cli, "%lld requests more than the edge keeps", (long long)seen->missed),
             NULL);
}
