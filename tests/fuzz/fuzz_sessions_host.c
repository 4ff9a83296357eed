/* The whole of routing. Lines: host, path, baggage, tracestate, referer, origin. */
#include <stddef.h>
#include <stdint.h>

#include "core/mem.h"
#include "sessions/router.h"

static const char yaml[] =
    "zone: z.test\n"
    "addresses: [192.0.2.1]\n"
    "nameservers: [ns1]\n"
    "state: /tmp/unused\n"
    "workers: 1\n"
    "listen: {dns: [\"127.0.0.1:5300\"], https: [\"127.0.0.1:8443\"], http: []}\n"
    "services:\n"
    "  - {name: web, url: \"http://web/base\", rewrites: [{source: \"/a/(.*)\", target: \"$1\"}]}\n"
    "  - {name: api, url: \"http://api\"}\n"
    "domains:\n"
    "  - {domain: z.test, default_service: web, routes: [{path: \"^/api\", service: api}]}\n"
    "  - {domain: api.z.test, default_service: api}\n"
    "cache_routes: [\"js$\"]\n";

static const char *const bodies[][2] = {
    {"slim",
     "{\"services\":{\"web\":\"http://slim\",\"api\":{\"tunnel\":true,\"fallback\":\"shared\"}},"
     "\"rewrites\":[{\"source\":\"(x+)(y)?\",\"target\":\"/$2$1$$\"}]}"},
    {"own",
     "{\"services\":{\"own-svc\":\"http://own\"},\"domains\":[{\"domain\":\"o.test\","
     "\"default_service\":\"own-svc\",\"routes\":[{\"path\":\"(a|b)*c\",\"service\":\"web\"}]}"
     ",{\"domain\":\"z.test\",\"default_service\":\"own-svc\"}]}"},
};

static void put(struct route_table *t, const char *const body[2], const struct config *c)
{
    struct session *s = NULL;
    struct session_image *image = NULL;
    struct session_fault fault;
    json_t *json = json_loads(body[1], 0, NULL);
    CHECK(json && session_parse(json, span_str(body[0]), c, &s, &fault) == ERR_OK);
    CHECK(session_image_new(s, &image, &fault) == ERR_OK);
    route_table_put(t, image);
    session_image_unref(image);
    session_unref(s);
    json_decref(json);
}

static struct route_table *the_table(void)
{
    static struct route_table table;
    struct config_errors errors = {0};
    struct config *c = NULL;
    if (table.edge)
        return &table;
    CHECK(config_parse("fuzz.yaml", span_str(yaml), &c, &errors) == ERR_OK);
    struct edge_image *edge = edge_image_new(c);
    route_table_init(&table, edge);
    edge_image_unref(edge);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        put(&table, bodies[i], c);
    config_unref(c);
    return &table;
}

static void check_result(const struct route_table *t, const struct route_query *q,
                         struct route_result *r)
{
    char memory[1024];
    struct arena arena;
    struct span path, rule;
    arena_init(&arena, memory, sizeof memory, 65536);

    CHECK((r->outcome == ROUTE_TO_BACKEND) == (r->backend != NULL));
    CHECK(r->outcome != ROUTE_UNKNOWN_SESSION || (!r->session && r->session_name.len > 0));
    CHECK((r->place == PLACE_SHARED) || r->session);
    rule = route_rule(r, &arena);
    for (size_t i = 0; i < rule.len; i++)
        CHECK(rule.p[i] >= ' ' && rule.p[i] <= '~');
    if (r->outcome == ROUTE_TO_BACKEND || r->outcome == ROUTE_TO_TUNNEL) {
        CHECK(r->service.len > 0);
        if (q->path.len > 0 && q->path.p[0] == '/' &&
            route_path(t, r, q->path, &arena, &path) == ERR_OK)
            CHECK(path.len > 0 && path.p[0] == '/');
        (void)route_is_cache_route(t, r, q->path);
        (void)route_fall_back(r);
    }
    (void)route_same_session(t, r, q->host);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256];
    struct span rest = span_of(data, size), line[6] = {{NULL, 0}};
    for (size_t i = 0; i < ARRAY_LEN(line) && span_split(&rest, '\n', &line[i]); i++)
        ;
    struct route_context c = {.baggage_members = 0};
    context_feed_baggage(&c, line[2]);
    context_feed_tracestate(&c, line[3]);
    context_feed_referer(&c, line[4]);
    context_feed_origin(&c, line[5]);

    struct route_query q = {.path = line[1], .context = &c};
    struct route_result r;
    if (host_normalise(line[0], text, &q.host) != ERR_OK)
        return 0;
    route(the_table(), &q, &r);
    check_result(the_table(), &q, &r);
    return 0;
}
