#include "core/mem.h"
#include "sessions/api_internal.h"
#include "sessions/router.h"

/* POST /v1/explain: the routing code itself, asked about a request that nobody sent. */

#define EXPLAIN_ARENA (256 * 1024)

static json_t *text(struct span s)
{
    json_t *json = s.len ? json_stringn(s.p, s.len) : NULL;
    return json ? json : json_null();
}

/* The question */

struct question {
    char host_text[256];
    struct span host, path;
    struct route_context context;
};

static bool bad(struct api_request *q, const char *field, const char *what)
{
    api_problem(q->call, 422, field, "%s", what);
    return false;
}

static bool take_url(struct api_request *q, struct question *ask)
{
    struct span url = span_str(json_string_value(json_object_get(q->body, "url")));
    static const char *const schemes[] = {"https://", "http://", "wss://", "ws://"};
    struct span rest = {0};
    for (size_t i = 0; i < ARRAY_LEN(schemes) && !rest.p; i++)
        if (span_starts(url, span_str(schemes[i])))
            rest = span_from(url, strlen(schemes[i]));
    if (!rest.p)
        return bad(q, "url", "It must be a URL, https://host/path.");

    size_t host_end = 0;
    while (host_end < rest.len && !strchr("/?#", rest.p[host_end]))
        host_end++;
    if (host_normalise(span_sub(rest, 0, host_end), ask->host_text, &ask->host) != ERR_OK)
        return bad(q, "url", "Its host is none.");
    struct span target = span_from(rest, host_end);
    size_t path_end = 0;
    while (path_end < target.len && target.p[path_end] != '?' && target.p[path_end] != '#')
        path_end++;
    ask->path = path_end ? span_sub(target, 0, path_end) : SPAN_LIT("/");
    return true;
}

static void feed(struct route_context *context, struct span name, struct span value)
{
    static const struct {
        const char *name;
        void (*feed)(struct route_context *c, struct span value);
    } fields[] = {
        {"baggage", context_feed_baggage},
        {"tracestate", context_feed_tracestate},
        {"referer", context_feed_referer},
        {"origin", context_feed_origin},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (span_eq_nocase(name, span_str(fields[i].name)))
            fields[i].feed(context, value);
}

/* A field's value, or a list of them where it comes in several lines. */
static bool take_field(struct api_request *q, struct question *ask, const char *name, json_t *value)
{
    if (json_is_string(value)) {
        feed(&ask->context, span_str(name), span_str(json_string_value(value)));
        return true;
    }
    size_t i;
    json_t *line;
    if (!json_is_array(value))
        return bad(q, "headers", "Each must be a string, or a list of strings.");
    json_array_foreach(value, i, line) if (!json_is_string(line)) return bad(
        q, "headers", "Each must be a string, or a list of strings.");
    json_array_foreach(value, i, line)
        feed(&ask->context, span_str(name), span_str(json_string_value(line)));
    return true;
}

static bool take_headers(struct api_request *q, struct question *ask)
{
    json_t *headers = json_object_get(q->body, "headers"), *value;
    const char *name;
    if (!headers)
        return true;
    if (!json_is_object(headers))
        return bad(q, "headers", "It must be an object: field name to value.");
    json_object_foreach(headers, name, value) if (!take_field(q, ask, name, value)) return false;
    return true;
}

static bool take_question(struct api_request *q, struct question *ask)
{
    const char *key;
    json_t *value;
    json_object_foreach(
        q->body, key, value) if (strcmp(key, "url") != 0 &&
                                 strcmp(key, "headers") !=
                                     0) return bad(q, key,
                                                   "A question has \"url\" and \"headers\" only.");
    *ask = (struct question){0};
    return take_url(q, ask) && take_headers(q, ask);
}

/* The answer */

static const char *const outcomes[] = {
    [ROUTE_TO_BACKEND] = "backend",
    [ROUTE_TO_TUNNEL] = "tunnel",
    [ROUTE_TO_EDGE] = "edge",
    [ROUTE_UNKNOWN_HOST] = "unknown-host",
    [ROUTE_UNKNOWN_SESSION] = "unknown-session",
    [ROUTE_UNKNOWN_SERVICE] = "unknown-service",
    [ROUTE_SESSION_REQUIRED] = "session-required",
};

static const char *const session_sources[] = {
    [SESSION_NONE] = "none",
    [SESSION_FROM_HOST] = "host",
    [SESSION_FROM_BAGGAGE] = "baggage",
    [SESSION_FROM_TRACESTATE] = "tracestate",
    [SESSION_FROM_REFERER] = "referer",
    [SESSION_FROM_ORIGIN] = "origin",
};

static const char *const service_sources[] = {
    [SERVICE_FROM_LABEL] = "host",
    [SERVICE_FROM_ROUTE] = "route",
    [SERVICE_FROM_DEFAULT] = "default",
};

static const char *const places[] = {
    [PLACE_SHARED] = "shared",
    [PLACE_SESSION] = "session",
    [PLACE_TUNNEL] = "tunnel",
};

static int status_of(enum route_outcome outcome)
{
    switch (outcome) {
    case ROUTE_UNKNOWN_HOST:
    case ROUTE_UNKNOWN_SESSION:
    case ROUTE_UNKNOWN_SERVICE:
        return 404;
    case ROUTE_SESSION_REQUIRED:
        return 422;
    default:
        return 0;
    }
}

/* Whether SERVICE and what follows from it has been decided. */
static bool has_service(const struct route_result *r)
{
    return r->outcome == ROUTE_TO_BACKEND || r->outcome == ROUTE_TO_TUNNEL ||
           r->outcome == ROUTE_UNKNOWN_SERVICE;
}

static json_t *rule_session(const struct question *ask, const struct route_result *r)
{
    const struct route_context *c = &ask->context;
    json_t *seen = json_pack("{s:o, s:o, s:o, s:o}", "baggage", text(c->baggage_session),
                             "tracestate", text(c->tracestate_session), "referer",
                             text(c->referer_host), "origin", text(c->origin_host));
    return json_pack("{s:s, s:o, s:o, s:s, s:o, s:b}", "rule", "session", "host", text(ask->host),
                     "context", seen, "from", session_sources[r->session_source], "session",
                     text(r->session_name), "live", r->session != NULL);
}

static json_t *rule_service(const struct question *ask, const struct route_result *r)
{
    json_t *rule = json_pack("{s:s, s:o, s:s, s:o}", "rule", "service", "path", text(ask->path),
                             "from", service_sources[r->service_source], "service",
                             text(r->service));
    if (r->domain)
        json_object_set_new(rule, "domain", json_string(r->domain->domain));
    if (r->route)
        json_object_set_new(rule, "route", json_string(regex_pattern(r->route->path)));
    return rule;
}

static json_t *rule_backend(const struct route_result *r)
{
    bool found = r->outcome != ROUTE_UNKNOWN_SERVICE;
    json_t *rule = json_pack("{s:s, s:b, s:b}", "rule", "backend", "override", r->override != NULL,
                             "shared", r->shared != NULL);
    json_object_set_new(rule, "from", found ? json_string(places[r->place]) : json_null());
    if (r->outcome == ROUTE_TO_BACKEND)
        json_object_set_new(rule, "url", json_string(r->backend->to.url));
    return rule;
}

static json_t *rule_path(const struct api *a, const struct question *ask,
                         const struct route_result *r, struct arena *arena)
{
    struct span path;
    enum err e = route_path(a->explain_table, r, ask->path, arena, &path);
    json_t *rule = json_pack("{s:s}", "rule", "path");
    json_object_set_new(rule, "path", e == ERR_OK ? text(path) : json_null());
    if (e == ERR_FULL)
        json_object_set_new(rule, "error", json_string("the rewritten path is too long"));
    else if (e != ERR_OK)
        json_object_set_new(rule, "error", json_string("a rewrite makes what is no path"));
    return rule;
}

static json_t *explain(const struct api *a, const struct question *ask,
                       const struct route_result *r, struct arena *arena)
{
    json_t *rules = json_array();
    json_array_append_new(rules, rule_session(ask, r));
    if (has_service(r)) {
        json_array_append_new(rules, rule_service(ask, r));
        json_array_append_new(rules, rule_backend(r));
    }
    bool forwarded = r->outcome == ROUTE_TO_BACKEND || r->outcome == ROUTE_TO_TUNNEL;
    if (forwarded)
        json_array_append_new(rules, rule_path(a, ask, r, arena));

    int status = status_of(r->outcome);
    json_t *body = json_pack("{s:s, s:o, s:o, s:o, s:o}", "outcome", outcomes[r->outcome],
                             "session", text(r->session_name), "service",
                             has_service(r) ? text(r->service) : json_null(), "rule",
                             text(route_rule(r, arena)), "rules", rules);
    json_object_set_new(body, "backend", forwarded ? json_string(places[r->place]) : json_null());
    json_object_set_new(body, "status", status ? json_integer(status) : json_null());
    return body;
}

void api_explain(struct api_request *q)
{
    struct question ask;
    struct route_result result;
    struct arena arena;
    if (!take_question(q, &ask))
        return;
    const struct route_query query = {.host = ask.host, .path = ask.path, .context = &ask.context};
    arena_init(&arena, NULL, 0, EXPLAIN_ARENA);
    route(q->api->explain_table, &query, &result);
    api_answer_json(q->call, 200, explain(q->api, &ask, &result, &arena), NULL, 0);
    arena_deinit(&arena);
}
