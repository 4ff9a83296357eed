/* What a backend gets to see of a request: DESIGN's "What is forwarded". */
#include "unit/proxy/forward_bed.h"

#define SESSION_HOST "web.gecko.dev.example.com"
#define SHARED_HOST "web.dev.example.com"

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

/* --- hop by hop ---------------------------------------------------------------------------------- */

static void test_hop_by_hop_fields_stay_here(void **state)
{
    add_lines(&bed, &bed.request.fields,
              "connection: close, X-Secret , keep-alive\n"
              "x-secret: 1\n"
              "keep-alive: timeout=5\n"
              "proxy-connection: keep-alive\n"
              "proxy-authorization: Basic eDp5\n"
              "transfer-encoding: chunked\n"
              "upgrade: websocket\n"
              "http2-settings: AAMAAABk\n"
              "te: gzip\n"
              "proxy: http://evil.example\n"
              "connection: X-Other\n"
              "x-other: 2\n"
              "x-kept: 3\n"
              "authorization: Bearer t");
    forward_ok(&bed, SHARED_HOST);
    static const char *const gone[] = {"connection",
                                       "x-secret",
                                       "keep-alive",
                                       "proxy-connection",
                                       "proxy-authorization",
                                       "transfer-encoding",
                                       "upgrade",
                                       "http2-settings",
                                       "te",
                                       "proxy",
                                       "x-other"};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        assert_request(&bed, gone[i], "(none)");
    assert_request(&bed, "x-kept", "3");
    assert_request(&bed, "authorization", "Bearer t");
}

static void test_te_is_trailers_or_nothing(void **state)
{
    add_lines(&bed, &bed.request.fields, "connection: te\nte: deflate;q=0.5, Trailers");
    forward_ok(&bed, SHARED_HOST);
    assert_request(&bed, "te", "trailers");
}

/* A client cannot use connection to take away what we say. */
static void test_connection_does_not_remove_what_we_add(void **state)
{
    add_lines(&bed, &bed.request.fields,
              "connection: x-forwarded-for, forwarded, via, traceparent, baggage, x-request-id");
    forward_ok(&bed, SESSION_HOST);
    assert_request(&bed, "x-forwarded-for", "192.0.2.7");
    assert_request(&bed, "via", "1.1 linkup");
    assert_request(&bed, "baggage", "linkup-session=gecko");
}

static void test_too_many_connection_options(void **state)
{
    struct span many[140];
    for (size_t i = 0; i < 140; i += 2) {
        many[i] = arena_printf(&bed.arena, "o%zu", i);
        many[i + 1] = SPAN_LIT(",");
    }
    struct span all = arena_join(&bed.arena, many, 140);
    add_to(&bed, &bed.request.fields, "connection", arena_strz(&bed.arena, all));
    forward_route(&bed, SHARED_HOST);
    assert_int_equal(forward_request(&bed.request, &bed.facts, &bed.arena, &bed.explain),
                     FORWARD_TOO_LARGE);
}

static void test_our_own_fields_are_not_taken_from_outside(void **state)
{
    add_lines(
        &bed, &bed.request.fields,
        "linkup-session: other\nlinkup-destination: x\nlinkup-backend: y\nlinkup-anything: z\n"
        "linkup_session: other\nx-linkup: kept");
    forward_ok(&bed, SHARED_HOST);
    assert_request(&bed, "linkup-session", "(none)");
    assert_request(&bed, "linkup-destination", "(none)");
    assert_request(&bed, "linkup-backend", "(none)");
    assert_request(&bed, "linkup-anything", "(none)");
    assert_request(&bed, "linkup_session", "(none)");
    assert_request(&bed, "x-linkup", "kept");
    assert_false(bed.explain);
}

/* CGI cannot tell an underscore from a dash. */
static void test_underscored_aliases_stay_here(void **state)
{
    add_lines(&bed, &bed.request.fields,
              "x_forwarded_for: 6.6.6.6\nx_forwarded-for: 6.6.6.6\ncontent_length: 5\n"
              "transfer_encoding: chunked\nx_forwarded_ssl: on\nx_own_name: kept");
    forward_ok(&bed, SHARED_HOST);
    assert_request(&bed, "x_forwarded_for", "(none)");
    assert_request(&bed, "x_forwarded-for", "(none)");
    assert_request(&bed, "content_length", "(none)");
    assert_request(&bed, "transfer_encoding", "(none)");
    assert_request(&bed, "x_forwarded_ssl", "(none)");
    assert_request(&bed, "x_own_name", "kept");
}

static void test_explain_is_asked_for(void **state)
{
    add_to(&bed, &bed.request.fields, "linkup-explain", "1");
    forward_ok(&bed, SHARED_HOST);
    assert_true(bed.explain);
    assert_request(&bed, "linkup-explain", "(none)");
}

static void test_cookies_are_rejoined(void **state)
{
    add_lines(&bed, &bed.request.fields, "cookie: a=1\nx: y\ncookie: b=2; c=3\ncookie: d=4,5");
    forward_ok(&bed, SHARED_HOST);
    assert_request(&bed, "cookie", "a=1; b=2; c=3; d=4,5");
}

static void test_other_fields_are_untouched(void **state)
{
    add_lines(&bed, &bed.request.fields,
              "accept-encoding: gzip, br\nx-a: 1\nx-a: 2\nreferer: https://x.example/?q\nrange: "
              "bytes=0-5\n"
              "user-agent: test/1\nif-match: \"e\"\nexpect: 100-continue");
    forward_ok(&bed, SHARED_HOST);
    assert_request(&bed, "accept-encoding", "gzip, br");
    assert_request(&bed, "x-a", "1 | 2");
    assert_request(&bed, "referer", "https://x.example/?q");
    assert_request(&bed, "range", "bytes=0-5");
    assert_request(&bed, "user-agent", "test/1");
    assert_request(&bed, "if-match", "\"e\"");
    assert_request(&bed, "expect", "100-continue");
}

/* --- forwarded ----------------------------------------------------------------------------------- */

static void test_claims_of_clients_are_replaced(void **state)
{
    add_lines(&bed, &bed.request.fields,
              "x-forwarded-for: 6.6.6.6\nx-forwarded-for: 7.7.7.7\nx-forwarded-proto: http\n"
              "x-forwarded-host: evil.example\nx-forwarded-port: 1\nx-forwarded-prefix: /evil\n"
              "forwarded: for=6.6.6.6;proto=http");
    forward_ok(&bed, SESSION_HOST);
    assert_request(&bed, "x-forwarded-for", "192.0.2.7");
    assert_request(&bed, "x-forwarded-proto", "https");
    assert_request(&bed, "x-forwarded-host", SESSION_HOST);
    assert_request(&bed, "x-forwarded-port", "443");
    assert_request(&bed, "x-forwarded-prefix", "(none)");
    assert_request(&bed, "forwarded", "for=192.0.2.7;host=" SESSION_HOST ";proto=https");
}

static void test_claims_of_trusted_proxies_are_kept(void **state)
{
    add_lines(
        &bed, &bed.request.fields,
        "x-forwarded-for: 6.6.6.6\nx-forwarded-for: 7.7.7.7, 8.8.8.8\nx-forwarded-proto: http\n"
        "x-forwarded-host: public.example\nx-forwarded-prefix: /p\nforwarded: for=6.6.6.6");
    forward_route(&bed, SESSION_HOST);
    bed.facts.peer_trusted = true;
    assert_int_equal(forward_request(&bed.request, &bed.facts, &bed.arena, &bed.explain),
                     FORWARD_OK);
    assert_request(&bed, "x-forwarded-for", "6.6.6.6, 7.7.7.7, 8.8.8.8, 192.0.2.7");
    assert_request(&bed, "x-forwarded-proto", "http");
    assert_request(&bed, "x-forwarded-host", "public.example");
    assert_request(&bed, "x-forwarded-port", "443");
    assert_request(&bed, "x-forwarded-prefix", "/p");
    assert_request(&bed, "forwarded",
                   "for=6.6.6.6, for=192.0.2.7;host=" SESSION_HOST ";proto=https");
}

static void test_ports_and_ipv6(void **state)
{
    assert_ok(addr_parse_ip(SPAN_LIT("2001:db8::7"), 1234, &bed.client));
    forward_route(&bed, SESSION_HOST);
    bed.facts.public_port = 8443;
    assert_int_equal(forward_request(&bed.request, &bed.facts, &bed.arena, &bed.explain),
                     FORWARD_OK);
    assert_request(&bed, "x-forwarded-for", "2001:db8::7");
    assert_request(&bed, "x-forwarded-host", SESSION_HOST ":8443");
    assert_request(&bed, "x-forwarded-port", "8443");
    assert_request(&bed, "forwarded",
                   "for=\"[2001:db8::7]\";host=\"" SESSION_HOST ":8443\";proto=https");
}

static void test_hosts_for_backends(void **state)
{
    static const struct {
        const char *asked, *host;
    } cases[] = {
        {"web.dev.example.com", "web.internal:3000"},
        {"api.dev.example.com", "api.internal"},
        {"six.dev.example.com", "[fd00::1]:8080"},
        {"web.gecko.dev.example.com", "pr-12.example.net:8000"},
        {"api.gecko.dev.example.com", "api.gecko.dev.example.com"}, /* host: preserve */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forward_route(&bed, cases[i].asked);
        struct span host = forward_host(&bed.request, &bed.route, &bed.arena);
        assert_true(span_eq(host, span_str(cases[i].host)));
    }
}

/* --- via ----------------------------------------------------------------------------------------- */

static void test_via_is_continued(void **state)
{
    add_lines(&bed, &bed.request.fields,
              "via: 1.0 fred, 1.1 p.example.net (a, b)\nvia: HTTP/1.1 x");
    forward_ok(&bed, SHARED_HOST);
    assert_request(&bed, "via", "1.0 fred, 1.1 p.example.net (a, b), HTTP/1.1 x, 1.1 linkup");
}

static void test_loops_end(void **state)
{
    static const struct {
        const char *via;
        enum forward_outcome outcome;
    } cases[] = {
        {"1.1 linkup,1.1 linkup,1.1 linkup,1.1 linkup,1.1 linkup,1.1 linkup,1.1 linkup",
         FORWARD_OK},
        {"1.1 linkup,1.1 linkup,2.0 LINKUP, 1.1 linkup (x),1.1\tlinkup,1.1 linkup,1.1 linkup,1.1 "
         "linkup",
         FORWARD_LOOP},
        {"1.1 a,1.1 a,1.1 a,1.1 a,1.1 a,1.1 a,1.1 a,1.1 a,1.1 a", FORWARD_OK},
        {"1.1 linkups,1.1 xlinkup,linkup,1.1 a(linkup),linkup,linkup,linkup,linkup,linkup",
         FORWARD_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bed.request.fields = (struct fields){0};
        add_to(&bed, &bed.request.fields, "via", cases[i].via);
        forward_route(&bed, SHARED_HOST);
        assert_int_equal(forward_request(&bed.request, &bed.facts, &bed.arena, &bed.explain),
                         cases[i].outcome);
    }
    /* In several lines. */
    bed.request.fields = (struct fields){0};
    for (size_t i = 0; i < 8; i++)
        add_to(&bed, &bed.request.fields, "via", "1.1 linkup");
    forward_route(&bed, SHARED_HOST);
    assert_int_equal(forward_request(&bed.request, &bed.facts, &bed.arena, &bed.explain),
                     FORWARD_LOOP);
}

/* --- limits -------------------------------------------------------------------------------------- */

/* A request that may come in may also go out, with all that is added. */
static void test_full_requests_go_through(void **state)
{
    for (size_t i = 0; i < FIELDS_MAX; i++)
        add_to(&bed, &bed.request.fields, "x-a", "b");
    forward_ok(&bed, SESSION_HOST);
    assert_request(&bed, "via", "1.1 linkup");
    assert_request(&bed, "tracestate", "linkup-session=gecko");
}

static void test_a_full_arena_is_an_outcome(void **state)
{
    forward_route(&bed, SESSION_HOST);
    for (size_t ceiling = 0; ceiling < 6000; ceiling += 64) {
        struct arena a;
        arena_init(&a, NULL, 0, ceiling);
        struct request_head h = bed.request;
        h.fields = (struct fields){0};
        enum err e = fields_add_id(&h.fields, &a, FIELD_COOKIE, SPAN_LIT("a"));
        if (e == ERR_OK)
            e = fields_add_id(&h.fields, &a, FIELD_COOKIE, SPAN_LIT("b"));
        enum forward_outcome o = forward_request(&h, &bed.facts, &a, &bed.explain);
        assert_true(o == FORWARD_TOO_LARGE ||
                    (o == FORWARD_OK && fields_find(&h.fields, FIELD_VIA)));
        arena_deinit(&a);
    }
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_hop_by_hop_fields_stay_here),
        T(test_te_is_trailers_or_nothing),
        T(test_connection_does_not_remove_what_we_add),
        T(test_too_many_connection_options),
        T(test_our_own_fields_are_not_taken_from_outside),
        T(test_underscored_aliases_stay_here),
        T(test_explain_is_asked_for),
        T(test_cookies_are_rejoined),
        T(test_other_fields_are_untouched),
        T(test_claims_of_clients_are_replaced),
        T(test_claims_of_trusted_proxies_are_kept),
        T(test_ports_and_ipv6),
        T(test_hosts_for_backends),
        T(test_via_is_continued),
        T(test_loops_end),
        T(test_full_requests_go_through),
        T(test_a_full_arena_is_an_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
