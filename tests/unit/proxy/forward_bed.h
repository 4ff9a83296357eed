/* A request on its way through an edge with a few services and one session, routed for real. */
#pragma once

#include <arpa/inet.h>

#include "proxy/head/forward.h"
#include "unit/sessions/route_bed.h"

#define FORWARD_YAML                                                                               \
    "zone: dev.example.com\n"                                                                      \
    "services:\n"                                                                                  \
    "  - {name: web, url: \"http://web.internal:3000\"}\n"                                         \
    "  - {name: api, url: \"https://api.internal/v1\"}\n"                                          \
    "  - {name: six, url: \"http://[fd00::1]:8080\"}\n"

struct forward_bed {
    struct route_bed edge;
    struct arena arena;
    struct addr client;
    struct request_head request;
    struct response_head response;
    struct route_result route;
    struct forward_facts facts;
    bool explain;
};

static inline void forward_init(struct forward_bed *b, const char *yaml)
{
    memset(b, 0, sizeof *b);
    bed_init(&b->edge, yaml);
    bed_put(&b->edge, "gecko",
            "{\"services\":{\"web\":{\"url\":\"http://pr-12.example.net:8000\"},"
            "\"api\":{\"url\":\"http://api-pr.example.net\",\"host\":\"preserve\"},"
            "\"auth\":{\"tunnel\":true}}}");
    arena_init(&b->arena, NULL, 0, 512 * 1024);
    assert_ok(addr_parse_ip(SPAN_LIT("192.0.2.7"), 1234, &b->client));
    b->request.method = METHOD_GET;
    b->request.method_text = SPAN_LIT("GET");
    b->request.target = b->request.path = SPAN_LIT("/");
    b->response.status = 200;
}

static inline void forward_deinit(struct forward_bed *b)
{
    arena_deinit(&b->arena);
    bed_deinit(&b->edge);
}

static inline void add_to(struct forward_bed *b, struct fields *f, const char *name,
                          const char *value)
{
    struct span n = span_str(name);
    assert_ok(fields_add(f, &b->arena, field_lookup(n), n, span_str(value)));
}

/* "name: value" lines, separated by '\n'. */
static inline void add_lines(struct forward_bed *b, struct fields *f, const char *lines)
{
    struct span rest = span_str(lines), line;
    while (span_split(&rest, '\n', &line)) {
        ptrdiff_t colon = span_chr(line, ':');
        assert_true(colon > 0);
        struct span n = span_sub(line, 0, (size_t)colon);
        assert_ok(fields_add(f, &b->arena, field_lookup(n), n,
                             span_trim(span_from(line, (size_t)colon + 1))));
    }
}

/* Routes HOST with the request's context. */
static inline void forward_route(struct forward_bed *b, const char *host)
{
    struct route_context context = {.baggage_members = 0};
    for (size_t i = 0; i < b->request.fields.n; i++) {
        const struct field *f = &b->request.fields.v[i];
        if (f->id == FIELD_BAGGAGE)
            context_feed_baggage(&context, f->value);
        if (f->id == FIELD_TRACESTATE)
            context_feed_tracestate(&context, f->value);
        if (f->id == FIELD_ORIGIN)
            context_feed_origin(&context, f->value);
    }
    b->request.authority = span_str(host);
    struct route_query q = {.host = span_str(host), .path = b->request.path, .context = &context};
    route(&b->edge.table, &q, &b->route);
    b->facts = (struct forward_facts){
        .client = &b->client,
        .config = b->edge.config,
        .host = span_str(host),
        .public_port = 443,
        .secure = true,
        .route = &b->route,
        .via_name = SPAN_LIT("1.1 linkup"),
    };
}

static inline void forward_ok(struct forward_bed *b, const char *host)
{
    forward_route(b, host);
    assert_int_equal(forward_request(&b->request, &b->facts, &b->arena, &b->explain), FORWARD_OK);
}

static inline void respond_ok(struct forward_bed *b)
{
    assert_ok(forward_response(&b->response, &b->request, &b->facts, &b->edge.table, b->explain,
                               &b->arena));
}

/* The values of all lines with NAME, joined by " | "; "(none)". */
static inline const char *values_of(struct forward_bed *b, const struct fields *f, const char *name)
{
    struct span joined = {NULL, 0};
    for (size_t i = 0; i < f->n; i++) {
        if (!span_eq(f->v[i].name, span_str(name)))
            continue;
        struct span parts[3] = {joined, joined.p ? SPAN_LIT(" | ") : SPAN_LIT(""), f->v[i].value};
        joined = arena_join(&b->arena, parts, 3);
    }
    return joined.p ? arena_strz(&b->arena, joined) : "(none)";
}

#define assert_request(b, name, text)                                                              \
    assert_string_equal(values_of((b), &(b)->request.fields, (name)), (text))
#define assert_response(b, name, text)                                                             \
    assert_string_equal(values_of((b), &(b)->response.fields, (name)), (text))
