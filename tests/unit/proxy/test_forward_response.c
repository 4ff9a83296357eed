/* What a client gets to see of a response: DESIGN's "What is forwarded". */
#include "unit/proxy/forward_bed.h"

#define SESSION_HOST "web.gecko.dev.example.com"
#define SHARED_HOST "web.dev.example.com"
#define API_HOST "api.dev.example.com"

static struct forward_bed bed;

static int setup(void **state)
{
    forward_init(&bed, FORWARD_YAML);
    return 0;
}

static int teardown(void **state)
{
    forward_deinit(&bed);
    return 0;
}

static void test_hop_by_hop_fields_stay_here(void **state)
{
    forward_route(&bed, SHARED_HOST);
    add_lines(&bed, &bed.response.fields,
              "connection: close, x-hop\nx-hop: 1\nkeep-alive: timeout=5\nupgrade: h2c\n"
              "transfer-encoding: chunked\nproxy-authenticate: Basic\nx-kept: 2\n"
              "www-authenticate: Basic\ntrailer: grpc-status");
    respond_ok(&bed);
    assert_response(&bed, "connection", "(none)");
    assert_response(&bed, "x-hop", "(none)");
    assert_response(&bed, "keep-alive", "(none)");
    assert_response(&bed, "upgrade", "(none)");
    assert_response(&bed, "transfer-encoding", "(none)");
    assert_response(&bed, "proxy-authenticate", "(none)");
    assert_response(&bed, "x-kept", "2");
    assert_response(&bed, "www-authenticate", "Basic");
    assert_response(&bed, "trailer", "grpc-status");
}

static void test_switching_says_to_what(void **state)
{
    forward_route(&bed, SHARED_HOST);
    bed.response.status = 101;
    add_lines(&bed, &bed.response.fields,
              "connection: upgrade\nupgrade: websocket\ncontent-length: 0");
    respond_ok(&bed);
    assert_response(&bed, "upgrade", "websocket");
    assert_response(&bed, "connection", "(none)");
}

static void test_nothing_else_is_changed(void **state)
{
    forward_route(&bed, SHARED_HOST);
    add_lines(&bed, &bed.response.fields,
              "date: Sun, 06 Nov 1994 08:49:37 GMT\nserver: x\nset-cookie: a=1; Path=/; HttpOnly\n"
              "cache-control: public, max-age=60\netag: \"e\"\nset-cookie: b=2, c=3\nvary: accept\n"
              "set-cookie: a=4\nage: 5\nlinkup-session: of the backend\ncontent-encoding: br");
    size_t n = bed.response.fields.n;
    respond_ok(&bed);
    assert_response(&bed, "date", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_response(&bed, "set-cookie", "a=1; Path=/; HttpOnly | b=2, c=3 | a=4");
    assert_response(&bed, "cache-control", "public, max-age=60");
    assert_response(&bed, "vary", "accept");
    assert_response(&bed, "linkup-session", "of the backend");
    assert_int_equal(bed.response.fields.n, n + 1); /* via */
}

static void test_via_and_date(void **state)
{
    forward_route(&bed, SHARED_HOST);
    respond_ok(&bed);
    assert_response(&bed, "via", "1.1 linkup");
    const struct field *date = fields_find(&bed.response.fields, FIELD_DATE);
    assert_non_null(date);
    assert_int_equal(date->value.len, strlen("Sun, 06 Nov 1994 08:49:37 GMT"));
    bed.response.fields = (struct fields){0};
    add_to(&bed, &bed.response.fields, "via", "1.1 varnish");
    respond_ok(&bed);
    assert_response(&bed, "via", "1.1 varnish, 1.1 linkup");
}

/* --- location ------------------------------------------------------------------------------------ */

static void test_locations(void **state)
{
    static const struct {
        const char *host, *in, *out;
    } cases[] = {
        /* web: http://web.internal:3000 */
        {SHARED_HOST, "http://web.internal:3000/x?y#z", "https://" SHARED_HOST "/x?y#z"},
        {SHARED_HOST, "HTTP://WEB.Internal:3000/X", "https://" SHARED_HOST "/X"},
        {SHARED_HOST, "http://web.internal:3000", "https://" SHARED_HOST "/"},
        {SHARED_HOST, "http://web.internal:3000?q", "https://" SHARED_HOST "/?q"},
        {SHARED_HOST, "//web.internal:3000/x", "//" SHARED_HOST "/x"},
        {SHARED_HOST, "http://web.internal/x", "http://web.internal/x"},
        {SHARED_HOST, "http://web.internal:3001/x", "http://web.internal:3001/x"},
        {SHARED_HOST, "http://web.internal:30000/x", "http://web.internal:30000/x"},
        {SHARED_HOST, "http://web.internal:/x", "http://web.internal:/x"},
        {SHARED_HOST, "http://web.internal:3000x/x", "http://web.internal:3000x/x"},
        {SHARED_HOST, "http://u@web.internal:3000/x", "http://u@web.internal:3000/x"},
        {SHARED_HOST, "http://notweb.internal:3000/x", "http://notweb.internal:3000/x"},
        {SHARED_HOST, "http://web.internal.evil.example:3000/",
         "http://web.internal.evil.example:3000/"},
        {SHARED_HOST, "https://other.example/web.internal:3000",
         "https://other.example/web.internal:3000"},
        {SHARED_HOST, "/login", "/login"},
        {SHARED_HOST, "login?next=http://web.internal:3000/",
         "login?next=http://web.internal:3000/"},
        {SHARED_HOST, "?x", "?x"},
        {SHARED_HOST, "", ""},
        {SHARED_HOST, "mailto:a@web.internal", "mailto:a@web.internal"},
        {SHARED_HOST, "ftp://web.internal:3000/", "ftp://web.internal:3000/"},
        /* api: https://api.internal/v1 */
        {API_HOST, "https://api.internal/v1/x", "https://" API_HOST "/x"},
        {API_HOST, "https://api.internal:443/v1/x", "https://" API_HOST "/x"},
        {API_HOST, "https://api.internal/v1", "https://" API_HOST "/"},
        {API_HOST, "https://api.internal/v1?x", "https://" API_HOST "/?x"},
        {API_HOST, "https://api.internal/v10/x", "https://" API_HOST "/v10/x"},
        {API_HOST, "https://api.internal/other", "https://" API_HOST "/other"},
        {API_HOST, "//api.internal/v1/x", "//" API_HOST "/x"},
        {API_HOST, "http://api.internal/v1/x", "http://api.internal/v1/x"},
        {API_HOST, "/v1/x?y", "/x?y"},
        {API_HOST, "/v1", "/"},
        {API_HOST, "/v1?x", "/?x"},
        {API_HOST, "/v10/x", "/v10/x"},
        /* What stands behind the base path must not become a host (RFC 3986 4.2), nor what browsers take
         * for one: a backslash, and tabs that they leave out. */
        {API_HOST, "/v1//evil.example/", "https://" API_HOST "//evil.example/"},
        {API_HOST, "/v1///evil.example/", "https://" API_HOST "///evil.example/"},
        {API_HOST, "/v1/\\evil.example/", "https://" API_HOST "/\\evil.example/"},
        {API_HOST, "/v1/\t/evil.example/", "https://" API_HOST "/\t/evil.example/"},
        {API_HOST, "/v1/\t\t\\evil.example/", "https://" API_HOST "/\t\t\\evil.example/"},
        {API_HOST, "/v1/x//evil.example/", "/x//evil.example/"},
        {API_HOST, "https://api.internal/v1//evil.example/", "https://" API_HOST "//evil.example/"},
        {API_HOST, "//api.internal/v1//evil.example/", "//" API_HOST "//evil.example/"},
        {API_HOST, "/x", "/x"},
        /* six: http://[fd00::1]:8080 */
        {"six.dev.example.com", "http://[fd00::1]:8080/x", "https://six.dev.example.com/x"},
        {"six.dev.example.com", "http://[fd00::2]:8080/x", "http://[fd00::2]:8080/x"},
        /* the session's own */
        {SESSION_HOST, "http://pr-12.example.net:8000/x", "https://" SESSION_HOST "/x"},
        {SESSION_HOST, "http://web.internal:3000/x", "http://web.internal:3000/x"},
        /* a tunnel has no host of its own that we know */
        {"auth.gecko.dev.example.com", "http://localhost:3000/x", "http://localhost:3000/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forward_route(&bed, cases[i].host);
        bed.response.fields = (struct fields){0};
        add_to(&bed, &bed.response.fields, "location", cases[i].in);
        respond_ok(&bed);
        assert_response(&bed, "location", cases[i].out);
    }
}

static void test_locations_keep_the_public_port(void **state)
{
    forward_route(&bed, SHARED_HOST);
    bed.facts.public_port = 8443;
    add_to(&bed, &bed.response.fields, "location", "http://web.internal:3000/x");
    respond_ok(&bed);
    assert_response(&bed, "location", "https://" SHARED_HOST ":8443/x");
}

/* --- cookies ------------------------------------------------------------------------------------- */

static void test_cookie_domains(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a=1; Domain=web.internal; Path=/", "a=1; Domain=" SHARED_HOST "; Path=/"},
        {"a=1;domain=web.internal", "a=1;domain=" SHARED_HOST},
        {"a=1; DOMAIN = .Web.Internal ; Secure", "a=1; DOMAIN = ." SHARED_HOST " ; Secure"},
        {"a=1; Domain=other.example", "a=1; Domain=other.example"},
        {"a=1; Domain=xweb.internal", "a=1; Domain=xweb.internal"},
        {"a=1; Domain=internal", "a=1; Domain=internal"},
        {"a=domain=web.internal; Path=/", "a=domain=web.internal; Path=/"},
        {"domain=web.internal", "domain=web.internal"},
        {"a=1; Path=/web.internal", "a=1; Path=/web.internal"},
        {"a=1; Domain=", "a=1; Domain="},
        {"a=1; Domain", "a=1; Domain"},
        {"a=1;;  ;", "a=1;;  ;"},
        /* The last one counts. */
        {"a=1; Domain=x.example; Domain=web.internal",
         "a=1; Domain=x.example; Domain=" SHARED_HOST},
        {"a=1; Domain=web.internal; Domain=x.example",
         "a=1; Domain=web.internal; Domain=x.example"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forward_route(&bed, SHARED_HOST);
        bed.response.fields = (struct fields){0};
        add_to(&bed, &bed.response.fields, "set-cookie", cases[i].in);
        respond_ok(&bed);
        assert_response(&bed, "set-cookie", cases[i].out);
    }
}

/* --- explain ------------------------------------------------------------------------------------- */

static void test_explaining(void **state)
{
    static const struct {
        const char *host, *session, *service, *backend;
    } cases[] = {
        {SHARED_HOST, "(none)", "web", "shared"},
        {SESSION_HOST, "gecko", "web", "session"},
        {"six.gecko.dev.example.com", "gecko", "six", "shared"},
        {"auth.gecko.dev.example.com", "gecko", "auth", "tunnel"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forward_route(&bed, cases[i].host);
        bed.explain = true;
        bed.response.fields = (struct fields){0};
        add_lines(&bed, &bed.response.fields, "linkup-session: of the back\nlinkup-session: again");
        respond_ok(&bed);
        assert_response(&bed, "linkup-session", cases[i].session);
        assert_response(&bed, "linkup-service", cases[i].service);
        assert_response(&bed, "linkup-backend", cases[i].backend);
        const struct field *rule = fields_find(&bed.response.fields, FIELD_LINKUP_RULE);
        assert_non_null(rule);
        assert_true(field_value_valid(rule->value));
    }
}

static void test_own_answers_are_explained(void **state)
{
    forward_route(&bed, "web.dead.dev.example.com");
    assert_ok(forward_own_response(&bed.response, &bed.request, &bed.facts, &bed.edge.table, true,
                                   &bed.arena));
    assert_response(&bed, "linkup-session", "(none)");
    assert_response(&bed, "linkup-backend", "(none)");
    assert_response(&bed, "via", "(none)");
    assert_non_null(fields_find(&bed.response.fields, FIELD_LINKUP_RULE));
    assert_non_null(fields_find(&bed.response.fields, FIELD_DATE));
}

/* --- cors: same-session -------------------------------------------------------------------------- */

static void test_siblings_are_allowed(void **state)
{
    static const struct {
        const char *origin, *host;
        bool allowed;
    } cases[] = {
        {"https://api.gecko.dev.example.com", SESSION_HOST, true},
        {"https://api--gecko.dev.example.com", SESSION_HOST, true},
        {"https://API.gecko.dev.example.com:8443", SESSION_HOST, true},
        /* A shared host, found to be of the session by its origin. */
        {"https://web.gecko.dev.example.com", API_HOST, true},
        {"http://api.gecko.dev.example.com", SESSION_HOST, false},
        {"https://api.other.dev.example.com", SESSION_HOST, false},
        {"https://api.dev.example.com", SESSION_HOST, false},
        {"https://evil.example", SESSION_HOST, false},
        {"https://api.gecko.dev.example.com.evil.example", SESSION_HOST, false},
        {"https://x@api.gecko.dev.example.com", SESSION_HOST, false},
        {"https://api.gecko.dev.example.com/", SESSION_HOST, false},
        {"null", SESSION_HOST, false},
        {"", SESSION_HOST, false},
        {"https://", SESSION_HOST, false},
        {"https://web.dev.example.com", API_HOST, false}, /* no session */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bed.request.fields = bed.response.fields = (struct fields){0};
        add_to(&bed, &bed.request.fields, "origin", cases[i].origin);
        forward_route(&bed, cases[i].host);
        respond_ok(&bed);
        bool got = fields_find(&bed.response.fields, FIELD_ACCESS_CONTROL_ALLOW_ORIGIN) != NULL;
        if (got != cases[i].allowed)
            fail_msg("%s at %s", cases[i].origin, cases[i].host);
        if (!got)
            continue;
        assert_response(&bed, "access-control-allow-origin", cases[i].origin);
        assert_response(&bed, "access-control-allow-credentials", "true");
        assert_response(&bed, "vary", "origin");
    }
}

static void test_two_origins_are_none(void **state)
{
    add_lines(
        &bed, &bed.request.fields,
        "origin: https://api.gecko.dev.example.com\norigin: https://web.gecko.dev.example.com");
    forward_route(&bed, SESSION_HOST);
    respond_ok(&bed);
    assert_response(&bed, "access-control-allow-origin", "(none)");
}

static void test_the_backend_speaks_for_itself(void **state)
{
    add_to(&bed, &bed.request.fields, "origin", "https://api.gecko.dev.example.com");
    forward_route(&bed, SESSION_HOST);
    add_to(&bed, &bed.response.fields, "access-control-allow-origin", "*");
    respond_ok(&bed);
    assert_response(&bed, "access-control-allow-origin", "*");
    assert_response(&bed, "access-control-allow-credentials", "(none)");
    assert_response(&bed, "vary", "(none)");
}

static void test_vary_is_added_to(void **state)
{
    static const char *const cases[][2] = {{"accept", "accept, origin"},
                                           {"Accept, ORIGIN", "Accept, ORIGIN"},
                                           {"*", "*"},
                                           {"", "origin"}};
    for (size_t i = 0; i < 4; i++) {
        bed.request.fields = bed.response.fields = (struct fields){0};
        add_to(&bed, &bed.request.fields, "origin", "https://api.gecko.dev.example.com");
        add_to(&bed, &bed.response.fields, "vary", cases[i][0]);
        forward_route(&bed, SESSION_HOST);
        respond_ok(&bed);
        assert_response(&bed, "vary", cases[i][1]);
    }
}

static void ask_preflight(const char *origin)
{
    bed.request.method = METHOD_OPTIONS;
    bed.request.fields = bed.response.fields = (struct fields){0};
    add_to(&bed, &bed.request.fields, "origin", origin);
    add_to(&bed, &bed.request.fields, "access-control-request-method", "PATCH");
    add_to(&bed, &bed.request.fields, "access-control-request-headers", "x-a,content-type");
    forward_route(&bed, SESSION_HOST);
}

static bool answers_preflight(void)
{
    return forward_answers_preflight(&bed.request, &bed.response, &bed.route, &bed.edge.table,
                                     bed.edge.config);
}

static void test_preflights(void **state)
{
    ask_preflight("https://api.gecko.dev.example.com");
    assert_true(forward_is_preflight(&bed.request));
    assert_true(answers_preflight());
    assert_ok(forward_own_response(&bed.response, &bed.request, &bed.facts, &bed.edge.table, false,
                                   &bed.arena));
    assert_response(&bed, "access-control-allow-origin", "https://api.gecko.dev.example.com");
    assert_response(&bed, "access-control-allow-credentials", "true");
    assert_response(&bed, "access-control-allow-methods", "PATCH");
    assert_response(&bed, "access-control-allow-headers", "x-a,content-type");
    assert_response(&bed, "access-control-max-age", "60");
    assert_response(&bed, "vary",
                    "origin, access-control-request-method, access-control-request-headers");
}

static void test_preflights_that_are_not_ours(void **state)
{
    ask_preflight("https://evil.example");
    assert_false(answers_preflight());

    ask_preflight("https://api.gecko.dev.example.com");
    add_to(&bed, &bed.response.fields, "access-control-allow-origin", "https://x.example");
    assert_false(answers_preflight());

    ask_preflight("https://api.gecko.dev.example.com");
    bed.request.method = METHOD_GET;
    assert_false(answers_preflight());

    ask_preflight("https://api.gecko.dev.example.com");
    fields_remove(&bed.request.fields, FIELD_ACCESS_CONTROL_REQUEST_METHOD);
    assert_false(answers_preflight());
}

static void test_cors_can_be_off(void **state)
{
    forward_deinit(&bed);
    forward_init(&bed, FORWARD_YAML "cors: off\n");
    ask_preflight("https://api.gecko.dev.example.com");
    assert_false(answers_preflight());
    respond_ok(&bed);
    assert_response(&bed, "access-control-allow-origin", "(none)");
}

/* --- caching ------------------------------------------------------------------------------------- */

static void test_no_cache(void **state)
{
    forward_deinit(&bed);
    forward_init(&bed, FORWARD_YAML "no_cache: true\ncache_routes: [\".*/_next/static/.*\"]\n");
    forward_route(&bed, SHARED_HOST);
    add_to(&bed, &bed.response.fields, "cache-control", "public, max-age=60");
    respond_ok(&bed);
    assert_response(&bed, "cache-control", "no-cache");

    bed.request.path = SPAN_LIT("/_next/static/x.js");
    forward_route(&bed, SHARED_HOST);
    bed.response.fields = (struct fields){0};
    add_to(&bed, &bed.response.fields, "cache-control", "public, max-age=60");
    respond_ok(&bed);
    assert_response(&bed, "cache-control", "public, max-age=60");
}

/* --- limits -------------------------------------------------------------------------------------- */

static void test_full_responses_go_through(void **state)
{
    forward_route(&bed, SESSION_HOST);
    bed.explain = true;
    add_to(&bed, &bed.request.fields, "origin", "https://api.gecko.dev.example.com");
    for (size_t i = 0; i < FIELDS_MAX; i++)
        add_to(&bed, &bed.response.fields, "set-cookie", "a=b; domain=pr-12.example.net");
    respond_ok(&bed);
    assert_response(&bed, "linkup-backend", "session");
    assert_int_equal(fields_count(&bed.response.fields, FIELD_SET_COOKIE), FIELDS_MAX);
    assert_span(bed.response.fields.v[FIELDS_MAX - 1].value, "a=b; domain=" SESSION_HOST);
}

static void test_a_full_arena_is_an_error(void **state)
{
    forward_route(&bed, SHARED_HOST);
    for (size_t ceiling = 0; ceiling < 4096; ceiling += 32) {
        struct arena a;
        arena_init(&a, NULL, 0, ceiling);
        struct response_head h = {.status = 302};
        enum err e = fields_add_id(&h.fields, &a, FIELD_LOCATION,
                                   SPAN_LIT("http://web.internal:3000/x"));
        if (e == ERR_OK)
            e = forward_response(&h, &bed.request, &bed.facts, &bed.edge.table, true, &a);
        assert_true(e == ERR_FULL || e == ERR_OK);
        arena_deinit(&a);
    }
}

static void test_interim_responses(void **state)
{
    bed.response.status = 103;
    add_lines(&bed, &bed.response.fields,
              "connection: x-a\nx-a: 1\nlink: </style.css>; rel=preload");
    assert_ok(forward_interim(&bed.response, &bed.arena));
    assert_int_equal(bed.response.fields.n, 1);
    assert_response(&bed, "link", "</style.css>; rel=preload");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_hop_by_hop_fields_stay_here),
        T(test_switching_says_to_what),
        T(test_nothing_else_is_changed),
        T(test_via_and_date),
        T(test_locations),
        T(test_locations_keep_the_public_port),
        T(test_cookie_domains),
        T(test_explaining),
        T(test_own_answers_are_explained),
        T(test_siblings_are_allowed),
        T(test_two_origins_are_none),
        T(test_the_backend_speaks_for_itself),
        T(test_vary_is_added_to),
        T(test_preflights),
        T(test_preflights_that_are_not_ours),
        T(test_cors_can_be_off),
        T(test_no_cache),
        T(test_full_responses_go_through),
        T(test_a_full_arena_is_an_error),
        T(test_interim_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
