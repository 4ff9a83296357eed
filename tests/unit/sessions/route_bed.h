/* A routing table made from texts: YAML for the edge, JSON for sessions. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sessions/router.h"
#include "support/test.h"

struct route_bed {
    struct config *config;
    struct route_table table;
    char host[256]; /* of the last request: results point into it */
};

#define BED_HEAD                                                                                   \
    "addresses: [192.0.2.1]\n"                                                                     \
    "nameservers: [ns1]\n"                                                                         \
    "state: /tmp/unused\n"                                                                         \
    "workers: 1\n"                                                                                 \
    "certificates: {issuer: acme, acme: {directory: \"https://acme.test/\"}}\n"                    \
    "listen: {dns: [\"127.0.0.1:5300\"], https: [\"127.0.0.1:443\"], http: []}\n"

static inline struct config *bed_config(const char *yaml)
{
    struct config_errors errors = {0};
    struct config *c = NULL;
    char *text = mem_printf("%s%s", BED_HEAD, yaml);
    if (config_parse("bed.yaml", span_str(text), &c, &errors) != ERR_OK)
        fail_msg("%s: %s", errors.n ? errors.v[0].key : "", errors.n ? errors.v[0].text : "");
    config_errors_deinit(&errors);
    mem_free(text);
    return c;
}

static inline json_t *bed_json(const char *text)
{
    json_error_t error;
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!j)
        fail_msg("%s: %s", error.text, text);
    return j;
}

static inline struct session *bed_session(const struct config *c, const char *name,
                                          const char *json)
{
    struct session *s = NULL;
    struct session_fault fault = {.status = 0};
    json_t *body = bed_json(json);
    if (session_parse(body, span_str(name), c, &s, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.field, fault.text);
    json_decref(body);
    return s;
}

static inline void bed_put_session(struct route_bed *b, struct session *s)
{
    struct session_image *image = NULL;
    struct session_fault fault;
    assert_ok(session_image_new(s, &image, &fault));
    route_table_put(&b->table, image);
    session_image_unref(image);
    session_unref(s);
}

/* A session of the API's body JSON. */
static inline void bed_put(struct route_bed *b, const char *name, const char *json)
{
    bed_put_session(b, bed_session(b->config, name, json));
}

/* One that an earlier configuration allowed. */
static inline void bed_put_stored(struct route_bed *b, const char *name, const char *services)
{
    char *text = mem_printf("{\"name\":\"%s\",\"owner_token\":\"\",\"preview\":false,\"version\":1,"
                            "\"created_ms\":1,\"changed_ms\":1,%s}",
                            name, services);
    struct session *s = NULL;
    struct session_fault fault = {.status = 0};
    json_t *stored = bed_json(text);
    if (session_from_stored(stored, &s, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.field, fault.text);
    json_decref(stored);
    mem_free(text);
    bed_put_session(b, s);
}

static inline void bed_init(struct route_bed *b, const char *yaml)
{
    b->config = bed_config(yaml);
    struct edge_image *edge = edge_image_new(b->config);
    route_table_init(&b->table, edge);
    edge_image_unref(edge);
}

static inline void bed_deinit(struct route_bed *b)
{
    route_table_deinit(&b->table);
    config_unref(b->config);
}

/* "b=VALUE|t=VALUE|r=VALUE|o=VALUE": fields of the context; the spans point into TEXT. */
static inline struct route_context bed_context(const char *text)
{
    struct route_context c = {.baggage_members = 0};
    struct span rest = span_str(text), field;
    while (span_split(&rest, '|', &field)) {
        struct span value = span_from(field, 2);
        if (field.p[0] == 'b')
            context_feed_baggage(&c, value);
        else if (field.p[0] == 't')
            context_feed_tracestate(&c, value);
        else if (field.p[0] == 'r')
            context_feed_referer(&c, value);
        else
            context_feed_origin(&c, value);
    }
    return c;
}

/* HOST as a client writes it. */
static inline void bed_route(struct route_bed *b, const char *host, const char *path,
                             const char *context, struct route_result *out)
{
    struct route_context c = bed_context(context);
    struct route_query q = {.path = span_str(path), .context = &c};
    assert_ok(host_normalise(span_str(host), b->host, &q.host));
    route(&b->table, &q, out);
}

static const char *const bed_outcomes[] = {
    [ROUTE_TO_BACKEND] = "backend",
    [ROUTE_TO_TUNNEL] = "tunnel",
    [ROUTE_TO_EDGE] = "edge",
    [ROUTE_UNKNOWN_HOST] = "unknown-host",
    [ROUTE_UNKNOWN_SESSION] = "unknown-session",
    [ROUTE_UNKNOWN_SERVICE] = "unknown-service",
    [ROUTE_SESSION_REQUIRED] = "session-required",
};
static const char *const bed_sources[] = {
    [SESSION_NONE] = "",
    [SESSION_FROM_HOST] = "@host",
    [SESSION_FROM_BAGGAGE] = "@baggage",
    [SESSION_FROM_TRACESTATE] = "@tracestate",
    [SESSION_FROM_REFERER] = "@referer",
    [SESSION_FROM_ORIGIN] = "@origin",
};
static const char *const bed_services[] = {
    [SERVICE_FROM_LABEL] = "label",
    [SERVICE_FROM_ROUTE] = "route",
    [SERVICE_FROM_DEFAULT] = "default",
};

/* A result in a line: "backend slim@host api/route http://slim-api:1"; "-" for no session. The session
 * of a refusal is told, the service only where it matters. */
static inline void bed_describe(const struct route_result *r, char *out, size_t cap)
{
    char session[80] = "-";
    if (r->session_name.len > 0)
        snprintf(session, sizeof session, SPAN_FMT "%s", SPAN_ARG(r->session_name),
                 bed_sources[r->session_source]);
    const char *outcome = bed_outcomes[r->outcome];
    switch (r->outcome) {
    case ROUTE_TO_BACKEND:
        snprintf(out, cap, "%s " SPAN_FMT "/%s %s", session, SPAN_ARG(r->service),
                 bed_services[r->service_source], r->backend->to.url);
        break;
    case ROUTE_TO_TUNNEL:
        snprintf(out, cap, "%s " SPAN_FMT "/%s tunnel", session, SPAN_ARG(r->service),
                 bed_services[r->service_source]);
        break;
    case ROUTE_UNKNOWN_SERVICE:
        snprintf(out, cap, "%s %s " SPAN_FMT, outcome, session, SPAN_ARG(r->service));
        break;
    default:
        snprintf(out, cap, "%s %s", outcome, session);
    }
}
