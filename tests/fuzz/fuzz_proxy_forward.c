/* The whole way of a head: a request is parsed, routed, changed and written for the back; the back's
 * answer (what follows the request's head) is parsed, changed and written for the client. What leaves must
 * read again, strictly, and keep what DESIGN promises of it. */
#include "core/mem.h"
#include "proxy/h1/parse.h"
#include "proxy/h1/write.h"
#include "proxy/head/forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] =
    "zone: dev.example.com\naddresses: [192.0.2.1]\nnameservers: [ns1]\nstate: /tmp/unused\n"
    "workers: 1\nno_cache: true\ncertificates: {issuer: acme, acme: {directory: "
    "\"https://acme.test/\"}}\n"
    "listen: {dns: [\"127.0.0.1:5300\"], https: [\"127.0.0.1:443\"], http: []}\n"
    "services:\n"
    "  - {name: web, url: \"http://web.internal:3000\"}\n"
    "  - {name: api, url: \"https://api.internal/v1\", rewrites: [{source: \"^/a(.*)\", target: "
    "\"/b$1\"}]}\n";

static const char stored[] =
    "{\"name\":\"gecko\",\"owner_token\":\"\",\"preview\":false,\"version\":1,\"created_ms\":1,"
    "\"changed_ms\":1,\"services\":{\"web\":{\"url\":\"http://pr.example.net:8000/base\"}}}";

static struct route_table table;

static void set_up(void)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    CHECK(config_parse("fuzz.yaml", span_str(yaml), &config, &errors) == ERR_OK);
    struct edge_image *edge = edge_image_new(config);
    route_table_init(&table, edge);
    edge_image_unref(edge);
    config_unref(config);

    json_t *j = json_loads(stored, 0, NULL);
    struct session *s = NULL;
    struct session_fault fault;
    CHECK(session_from_stored(j, &s, &fault) == ERR_OK);
    json_decref(j);
    struct session_image *image = NULL;
    CHECK(session_image_new(s, &image, &fault) == ERR_OK);
    session_unref(s);
    route_table_put(&table, image);
    session_image_unref(image);
}

struct way {
    struct arena arena;
    struct request_head request;
    struct response_head response;
    struct addr client;
    char host[256];
    struct route_result route;
    struct forward_facts facts;
    bool explain;
};

static struct route_context context_of(const struct fields *f)
{
    struct route_context c = {.baggage_members = 0};
    for (size_t i = 0; i < f->n; i++) {
        if (f->v[i].id == FIELD_BAGGAGE)
            context_feed_baggage(&c, f->v[i].value);
        else if (f->v[i].id == FIELD_TRACESTATE)
            context_feed_tracestate(&c, f->v[i].value);
        else if (f->v[i].id == FIELD_ORIGIN)
            context_feed_origin(&c, f->v[i].value);
    }
    return c;
}

static bool route_way(struct way *w)
{
    if (host_normalise(w->request.authority, w->host, &w->facts.host) != ERR_OK)
        return false;
    struct route_context context = context_of(&w->request.fields);
    struct route_query q = {w->facts.host, w->request.path, &context};
    route(&table, &q, &w->route);
    w->facts.client = &w->client;
    w->facts.config = table.edge->config;
    w->facts.public_port = 443;
    w->facts.secure = true;
    w->facts.route = &w->route;
    w->facts.via_name = SPAN_LIT("1.1 linkup");
    return w->route.outcome == ROUTE_TO_BACKEND;
}

static void check_request(const struct way *w, const struct request_head *h)
{
    for (size_t i = 0; i < h->fields.n; i++) {
        CHECK(!span_starts(h->fields.v[i].name, SPAN_LIT("linkup-")));
        CHECK(h->fields.v[i].id != FIELD_KEEP_ALIVE &&
              h->fields.v[i].id != FIELD_PROXY_AUTHORIZATION);
    }
    CHECK(fields_count(&h->fields, FIELD_COOKIE) <= 1 && fields_count(&h->fields, FIELD_VIA) == 1);
    CHECK(fields_count(&h->fields, FIELD_TRACEPARENT) == 1);
    CHECK(fields_count(&h->fields, FIELD_X_REQUEST_ID) == 1);
    CHECK(fields_count(&h->fields, FIELD_FORWARDED) == 1);
    if (!w->route.session)
        return;
    struct route_context context = context_of(&h->fields);
    CHECK(span_eq(context.baggage_session, w->route.session_name));
    CHECK(span_eq(context.tracestate_session, w->route.session_name));
    const struct field *tracestate = fields_find(&h->fields, FIELD_TRACESTATE);
    CHECK(span_starts(tracestate->value, SPAN_LIT("linkup-session=")));
}

static bool send_request(struct way *w)
{
    struct span target = w->request.target, path;
    if (route_path(&table, &w->route, w->request.path, &w->arena, &path) != ERR_OK)
        return false;
    struct span parts[2] = {path, w->request.query};
    target = arena_join(&w->arena, parts, 2);
    if (!target.p || forward_request(&w->request, &w->facts, &w->arena, &w->explain) != FORWARD_OK)
        return false;
    check_request(w, &w->request);

    struct buf out;
    struct request_head again;
    struct h1_fault fault;
    size_t scanned = 0, len = 0;
    buf_init(&out, 512 * 1024);
    struct span host = forward_host(&w->request, &w->route, &w->arena);
    CHECK(host.p || w->arena.held > 0);
    if (host.p)
        CHECK(h1_write_request(&out, &w->request, target, host, span_of(NULL, 0)) == ERR_OK);
    /* Grown by what was added, it may be more than we would take ourselves. */
    if (host.p && h1_find_head(buf_span(&out), &scanned, &len, &fault) == ERR_OK) {
        CHECK(len == buf_len(&out));
        if (h1_parse_request(buf_span(&out), &w->arena, &again, &fault) == ERR_OK)
            check_request(w, &again);
        else
            CHECK(fault.status == 431 || fault.status == 414);
    }
    buf_deinit(&out);
    return true;
}

static void answer(struct way *w, struct span in)
{
    struct h1_fault fault;
    struct buf out;
    size_t scanned = 0, len = 0;
    if (h1_find_head(in, &scanned, &len, &fault) != ERR_OK ||
        h1_parse_response(span_sub(in, 0, len), w->request.method, &w->arena, &w->response,
                          &fault) != ERR_OK)
        return;
    size_t cookies = fields_count(&w->response.fields, FIELD_SET_COOKIE);
    bool named = fields_list_has(&w->response.fields, FIELD_CONNECTION, SPAN_LIT("set-cookie"));
    if (forward_response(&w->response, &w->request, &w->facts, &table, w->explain, &w->arena) !=
        ERR_OK)
        return;
    CHECK(named || fields_count(&w->response.fields, FIELD_SET_COOKIE) == cookies);
    CHECK(!fields_find(&w->response.fields, FIELD_CONNECTION));
    buf_init(&out, 512 * 1024);
    CHECK(h1_write_response(&out, &w->response, span_of(NULL, 0)) == ERR_OK);
    scanned = 0;
    if (h1_find_head(buf_span(&out), &scanned, &len, &fault) == ERR_OK)
        CHECK(len == buf_len(&out));
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!table.edge)
        set_up();
    if (size == 0)
        return 0;
    struct span in = span_of(data, size);
    struct h1_fault fault;
    size_t scanned = 0, len = 0;
    if (h1_find_head(in, &scanned, &len, &fault) != ERR_OK)
        return 0;
    struct way w;
    memset(&w, 0, sizeof w);
    arena_init(&w.arena, NULL, 0, 512 * 1024);
    CHECK(addr_parse_ip(SPAN_LIT("2001:db8::7"), 1, &w.client) == ERR_OK);
    if (h1_parse_request(span_sub(in, 0, len), &w.arena, &w.request, &fault) == ERR_OK &&
        route_way(&w)) {
        w.facts.peer_trusted = size % 2 == 0;
        if (send_request(&w))
            answer(&w, span_from(in, len));
    }
    arena_deinit(&w.arena);
    return 0;
}
