/* Error answers: what they say, in three forms, and that nothing a client sent means anything in them. */
#include "proxy/page/page.h"
#include "proxy/page/page_accept.h"
#include "unit/proxy/forward_bed.h"

static struct forward_bed bed;
static struct buf out;
static const char *type;

static int setup(void **state)
{
    forward_init(&bed, FORWARD_YAML);
    buf_init(&out, 64 * 1024);
    return 0;
}

static int teardown(void **state)
{
    buf_deinit(&out);
    forward_deinit(&bed);
    return 0;
}

/* The page for REASON, terminated. */
static const char *page(enum page_reason reason, const char *host, const char *accept)
{
    struct page_facts facts = {
        .host = span_str(host),
        .table = &bed.edge.table,
        .request_id = SPAN_LIT("0123"),
    };
    if (host) {
        forward_route(&bed, host);
        facts.route = &bed.route;
    }
    buf_clear(&out);
    assert_ok(page_write(reason, &facts, span_str(accept), &out, &type));
    assert_ok(buf_append(&out, SPAN_LIT("\0")));
    return buf_span(&out).p;
}

#define HTML "text/html"
#define JSON "application/json"

#define assert_has(text, part)                                                                     \
    do {                                                                                           \
        if (!strstr((text), (part)))                                                               \
            fail_msg("\"%s\" is not in: %s", (part), (text));                                      \
    } while (0)
#define assert_has_not(text, part)                                                                 \
    do {                                                                                           \
        if (strstr((text), (part)))                                                                \
            fail_msg("\"%s\" is in: %s", (part), (text));                                          \
    } while (0)

static void test_forms(void **state)
{
    static const struct {
        const char *accept;
        enum page_form form;
    } cases[] = {
        {"", PAGE_TEXT},
        {"*/*", PAGE_TEXT},
        {"text/html", PAGE_HTML},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
         PAGE_HTML},
        {"application/json", PAGE_JSON},
        {"application/problem+json", PAGE_JSON},
        {"application/vnd.api+json", PAGE_JSON},
        {"application/json, text/plain, */*", PAGE_JSON},
        {"text/plain, application/json", PAGE_TEXT},
        {"text/html;q=0.5, application/json", PAGE_JSON},
        {"text/html, application/json", PAGE_HTML},
        {"application/json, text/html", PAGE_JSON},
        {"application/json;q=0.5, text/html;q=0.6", PAGE_HTML},
        {"application/json;q=0, */*", PAGE_TEXT},
        {"text/html;q=0", PAGE_TEXT},
        {"text/html;level=1;q=0.4, application/json;q=0.3", PAGE_HTML},
        {"TEXT/HTML;Q=0.9", PAGE_HTML},
        {"text/*", PAGE_TEXT},
        {"text/*, text/plain;q=0.1", PAGE_HTML},
        {"application/*", PAGE_JSON},
        {"image/png", PAGE_TEXT},
        {"text/html;q=2", PAGE_TEXT},
        {"text/html;q=x, application/json;q=0.1", PAGE_JSON},
        {"text/html;q=0.001", PAGE_HTML},
        {"text/html;q=0.0001", PAGE_TEXT},
        {" , ,text/html ; q=1.000 ,", PAGE_HTML},
        {";q=1,text/html", PAGE_HTML},
        {"text/htmlx, xtext/html", PAGE_TEXT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (page_form_of(span_str(cases[i].accept)) != cases[i].form)
            fail_msg("%s: %d", cases[i].accept, (int)page_form_of(span_str(cases[i].accept)));
}

static void test_statuses(void **state)
{
    static const int statuses[PAGE_REASON_COUNT] = {
        [PAGE_BAD_REQUEST] = 400,
        [PAGE_UNKNOWN_HOST] = 404,
        [PAGE_UNKNOWN_SESSION] = 404,
        [PAGE_UNKNOWN_SERVICE] = 404,
        [PAGE_HEADER_TIMEOUT] = 408,
        [PAGE_CONTENT_TOO_LARGE] = 413,
        [PAGE_TARGET_TOO_LONG] = 414,
        [PAGE_EXPECTATION_FAILED] = 417,
        [PAGE_MISDIRECTED] = 421,
        [PAGE_SESSION_REQUIRED] = 422,
        [PAGE_FIELDS_TOO_LARGE] = 431,
        [PAGE_METHOD_UNSUPPORTED] = 501,
        [PAGE_VERSION_UNSUPPORTED] = 505,
        [PAGE_BACK_REFUSED] = 502,
        [PAGE_BACK_BROKE] = 502,
        [PAGE_BACK_NAME] = 502,
        [PAGE_BACK_DOWN] = 503,
        [PAGE_TUNNEL_DOWN] = 503,
        [PAGE_TUNNEL_SERVICE] = 503,
        [PAGE_OVERLOADED] = 503,
        [PAGE_BACK_SILENT] = 504,
        [PAGE_LOOP] = 508,
        [PAGE_HOME] = 200,
    };
    for (enum page_reason r = 0; r < PAGE_REASON_COUNT; r++)
        if (statuses[r])
            assert_int_equal(page_status(r), statuses[r]);
        else /* every backend's own trouble */
            assert_int_equal(page_status(r), 502);
}

/* Each reason, in each form, with all facts and with none. */
static void test_every_reason_has_its_words(void **state)
{
    static const char *const accepts[] = {"", HTML, JSON};
    for (enum page_reason r = 0; r < PAGE_REASON_COUNT; r++) {
        for (size_t i = 0; i < 3; i++) {
            const char *text = page(r, "web.gecko.dev.example.com", accepts[i]);
            assert_has_not(text, "{host}");
            assert_has_not(text, "{service}");
            assert_true(strlen(text) > 100 && strlen(text) < 6000);
            page(r, NULL, accepts[i]);
        }
        json_t *j = bed_json(page(r, "web.gecko.dev.example.com", JSON));
        assert_int_equal(json_integer_value(json_object_get(j, "status")), page_status(r));
        json_decref(j);
    }
}

static void test_unknown_session(void **state)
{
    const char *text = page(PAGE_UNKNOWN_SESSION, "web.dead.dev.example.com", "");
    assert_string_equal(type, "text/plain; charset=utf-8");
    assert_has(text, "404 There is no session \"dead\"\n");
    assert_has(text, "linkup sessions create dead");
    assert_has(text, "host:     web.dead.dev.example.com\n");
    assert_has(text, "session:  dead\n");
    assert_has(text, "request:  0123\n");

    text = page(PAGE_UNKNOWN_SESSION, "web.dead.dev.example.com", HTML);
    assert_string_equal(type, "text/html; charset=utf-8");
    assert_has(text, "<title>404 There is no session &quot;dead&quot;</title>");
    assert_has(text, "<code>linkup sessions create dead SERVICE=URL</code>");
}

static void test_unknown_service_lists_those_there_are(void **state)
{
    const char *text = page(PAGE_UNKNOWN_SERVICE, "nope.gecko.dev.example.com", "");
    assert_has(text, "There is no service \"nope\"");
    assert_has(text, "services: api auth six web\n");
    text = page(PAGE_UNKNOWN_SERVICE, "nope.gecko.dev.example.com", HTML);
    assert_has(text, "<code>api</code> <code>auth</code> <code>six</code> <code>web</code>");

    json_t *j = bed_json(page(PAGE_UNKNOWN_SERVICE, "nope.gecko.dev.example.com", JSON));
    assert_string_equal(type, "application/problem+json");
    assert_string_equal(json_string_value(json_object_get(j, "type")),
                        "urn:linkup:problem:unknown-service");
    assert_string_equal(json_string_value(json_object_get(j, "title")),
                        "There is no service \"nope\"");
    assert_string_equal(json_string_value(json_object_get(j, "session")), "gecko");
    assert_string_equal(json_string_value(json_object_get(j, "service")), "nope");
    assert_string_equal(json_string_value(json_object_get(j, "request_id")), "0123");
    assert_non_null(json_object_get(j, "detail"));
    assert_int_equal(json_array_size(json_object_get(j, "services")), 4);
    json_decref(j);
}

/* What was tried is said by its place; an address is not said. */
static void test_backends_are_named_without_address(void **state)
{
    static const char *const accepts[] = {"", HTML, JSON};
    static const enum page_reason reasons[] = {PAGE_BACK_REFUSED, PAGE_BACK_BROKE, PAGE_BACK_NAME,
                                               PAGE_BACK_DOWN, PAGE_BACK_SILENT};
    for (size_t r = 0; r < 5; r++) {
        for (size_t i = 0; i < 3; i++) {
            const char *text = page(reasons[r], "web.gecko.dev.example.com", accepts[i]);
            assert_has_not(text, "pr-12");
            assert_has_not(text, "8000");
            assert_has(text,
                       i == 1 ? "the session&#39;s own backend" : "the session's own backend");
            text = page(reasons[r], "web.dev.example.com", accepts[i]);
            assert_has(text, "the shared copy");
            assert_has_not(text, "internal");
        }
    }
    json_t *j = bed_json(page(PAGE_BACK_REFUSED, "web.gecko.dev.example.com", JSON));
    assert_string_equal(json_string_value(json_object_get(j, "backend")), "session");
    json_decref(j);
}

static void test_nothing_is_taken_for_markup(void **state)
{
    static const char evil[] = "<script>alert(1)</script>&\"'\\\x01\xff{host}`";
    struct page_facts facts = {
        .host = {evil, sizeof evil - 1},
        .detail = evil,
        .request_id = {evil, sizeof evil - 1},
        .table = &bed.edge.table,
    };
    for (enum page_reason r = 0; r < PAGE_REASON_COUNT; r++) {
        buf_clear(&out);
        assert_ok(page_write(r, &facts, SPAN_LIT(HTML), &out, &type));
        assert_ok(buf_append(&out, SPAN_LIT("\0")));
        assert_has_not(buf_span(&out).p, "<script");
        assert_has(buf_span(&out).p,
                   "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;\\??{host}");

        buf_clear(&out);
        assert_ok(page_write(r, &facts, SPAN_LIT(JSON), &out, &type));
        assert_ok(buf_append(&out, SPAN_LIT("\0")));
        json_t *j = bed_json(buf_span(&out).p);
        assert_string_equal(json_string_value(json_object_get(j, "detail")),
                            "<script>alert(1)</script>&\"'\\??{host}`");
        json_decref(j);
    }
}

/* Nothing is loaded, nothing runs: it works under any content-security-policy that lets styles be. */
static void test_html_stands_alone(void **state)
{
    const char *text = page(PAGE_UNKNOWN_SESSION, "web.dead.dev.example.com", HTML);
    static const char *const none[] = {"<script", "src=",   "href=",  "url(",    "@import",
                                       "http:",   "https:", "onload", "style=\""};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_has_not(text, none[i]);
    assert_has(text, "<!doctype html>");
    assert_has(text, "prefers-color-scheme:dark");
}

static void test_since_when_it_is_down(void **state)
{
    struct page_facts facts = {.down_since_ms = 1777629600000, .down_why = "status <500>"};
    static const char *const accepts[] = {HTML, JSON, "text/plain"};
    for (size_t i = 0; i < 3; i++) {
        buf_clear(&out);
        assert_ok(page_write(PAGE_BACK_DOWN, &facts, span_str(accepts[i]), &out, &type));
        assert_ok(buf_append(&out, SPAN_LIT("\0")));
        assert_has(buf_span(&out).p, ", since 2026-05-01T10:00:00.000Z (status ");
        if (i == 0)
            assert_has_not(buf_span(&out).p, "<500>");
    }
    assert_has_not(page(PAGE_BACK_DOWN, NULL, JSON), "since");
}

static void test_a_full_buffer_is_an_error(void **state)
{
    struct buf small;
    struct page_facts facts = {.host = SPAN_LIT("a")};
    buf_init(&small, 100);
    assert_err(ERR_FULL, page_write(PAGE_LOOP, &facts, SPAN_LIT(HTML), &small, &type));
    buf_deinit(&small);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_forms),
        T(test_statuses),
        T(test_every_reason_has_its_words),
        T(test_unknown_session),
        T(test_unknown_service_lists_those_there_are),
        T(test_backends_are_named_without_address),
        T(test_nothing_is_taken_for_markup),
        T(test_html_stands_alone),
        T(test_since_when_it_is_down),
        T(test_a_full_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
