/* What a well-formed request is understood as, and the limits it has. */
#include <stdio.h>

#include "proxy/head/chars.h"
#include "unit/proxy/h1_bed.h"

#define H "Host: a.example\r\n"

static void take(struct h1_bed *b, const char *text)
{
    bed_init(b);
    struct span in = span_str(text);
    assert_int_equal(bed_read(b, in, in.len), 0);
}

static struct span field_of(const struct h1_bed *b, enum field_id id)
{
    const struct field *f = fields_find(&b->head.fields, id);
    return f ? f->value : SPAN_LIT("(none)");
}

static void test_reads_a_request(void **state)
{
    struct h1_bed b;
    take(&b, "GET /a/b?c=d&e HTTP/1.1\r\nHost: Web.Example:8443\r\nAccept: text/html\r\n"
             "X-Custom-NAME:  some value \t\r\nCookie: a=b\r\n\r\n");
    assert_int_equal(b.head.method, METHOD_GET);
    assert_span(b.head.method_text, "GET");
    assert_span(b.head.authority, "Web.Example:8443");
    assert_span(b.head.target, "/a/b?c=d&e");
    assert_span(b.head.path, "/a/b");
    assert_span(b.head.query, "?c=d&e");
    assert_int_equal(b.head.scheme.len, 0);
    assert_int_equal(b.head.body, BODY_NONE);
    assert_true(b.head.keep_alive);
    assert_false(b.head.http10);

    assert_int_equal(b.head.fields.n, 3);
    assert_int_equal(b.head.fields.v[0].id, FIELD_ACCEPT);
    assert_span(b.head.fields.v[0].value, "text/html");
    assert_int_equal(b.head.fields.v[1].id, FIELD_OTHER);
    assert_span(b.head.fields.v[1].name, "x-custom-name");
    assert_span(b.head.fields.v[1].value, "some value");
    assert_span(b.head.fields.v[2].name, "cookie");
    bed_deinit(&b);
}

/* They are read many characters at a time: of every length, with every character anywhere, a name is what
 * it is, and what stands behind it stays as it was. */
static void test_names_become_lower_case(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 40; len++) {
        for (int c = 1; c < 256; c++) {
            char text[160], name[41];
            size_t at = (size_t)c % len;
            unsigned char lower = chars_token[c];
            memset(name, 'N', len);
            name[at] = (char)c;
            name[len] = '\0';
            snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" H "%s:VALUE\r\n\r\n", name);
            struct h1_bed b;
            bed_init(&b);
            int status = bed_read(&b, span_str(text), strlen(text));
            if (lower == 0 && c != ':') { /* which ends a shorter name, unless it stands first */
                assert_int_equal(status, 400);
            } else if (lower != 0) {
                assert_int_equal(status, 0);
                memset(name, 'n', len);
                name[at] = (char)lower;
                assert_int_equal(b.head.fields.n, 1);
                assert_true(span_eq(b.head.fields.v[0].name, span_of(name, len)));
                assert_span(b.head.fields.v[0].value, "VALUE");
            }
            bed_deinit(&b);
        }
    }
}

static void test_targets(void **state)
{
    static const struct {
        const char *line, *authority, *target, *path, *scheme;
    } cases[] = {
        {"GET /", "a.example", "/", "/", ""},
        {"GET //x/y", "a.example", "//x/y", "//x/y", ""},
        {"GET /?", "a.example", "/?", "/", ""},
        {"OPTIONS *", "a.example", "*", "*", ""},
        {"GET http://b.example/x?y", "b.example", "/x?y", "/x", "http"},
        {"GET HTTPS://b.example:8443/x", "b.example:8443", "/x", "/x", "https"},
        {"GET http://b.example", "b.example", "/", "/", "http"},
        {"GET http://b.example?y", "b.example", "/?y", "/", "http"},
        {"OPTIONS http://b.example", "b.example", "*", "*", "http"},
        {"OPTIONS http://b.example/", "b.example", "/", "/", "http"},
        {"GET http://[::1]:80/", "[::1]:80", "/", "/", "http"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s HTTP/1.1\r\n" H "\r\n", cases[i].line);
        struct h1_bed b;
        take(&b, text);
        assert_true(span_eq(b.head.authority, span_str(cases[i].authority)));
        assert_true(span_eq(b.head.target, span_str(cases[i].target)));
        assert_true(span_eq(b.head.path, span_str(cases[i].path)));
        assert_true(span_eq(b.head.scheme, span_str(cases[i].scheme)));
        bed_deinit(&b);
    }
}

static void test_methods(void **state)
{
    static const struct {
        const char *text;
        enum method method;
        bool safe, idempotent;
    } cases[] = {
        {"GET", METHOD_GET, true, true},          {"HEAD", METHOD_HEAD, true, true},
        {"POST", METHOD_POST, false, false},      {"PUT", METHOD_PUT, false, true},
        {"DELETE", METHOD_DELETE, false, true},   {"OPTIONS", METHOD_OPTIONS, true, true},
        {"TRACE", METHOD_TRACE, true, true},      {"PATCH", METHOD_PATCH, false, false},
        {"PROPFIND", METHOD_OTHER, false, false}, {"get", METHOD_OTHER, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\n" H "\r\n", cases[i].text);
        struct h1_bed b;
        take(&b, text);
        assert_int_equal(b.head.method, cases[i].method);
        assert_true(span_eq(b.head.method_text, span_str(cases[i].text)));
        assert_int_equal(method_is_safe(b.head.method), cases[i].safe);
        assert_int_equal(method_is_idempotent(b.head.method), cases[i].idempotent);
        bed_deinit(&b);
    }
}

static void test_persistence(void **state)
{
    static const struct {
        const char *version, *connection;
        bool keep_alive;
    } cases[] = {
        {"1.1", "", true},
        {"1.1", "Connection: close\r\n", false},
        {"1.1", "Connection: x, CLOSE\r\n", false},
        {"1.1", "Connection: x\r\nConnection: close\r\n", false},
        {"1.1", "Connection: keep-alive\r\n", true},
        {"1.1", "Connection: keep-alive, close\r\n", false},
        {"1.1", "Connection: closed\r\n", true},
        {"1.1", "Connection:\r\n", true},
        {"1.0", "", false},
        {"1.0", "Connection: Keep-Alive\r\n", true},
        {"1.0", "Connection: keep-alive, close\r\n", false},
        {"1.0", "Proxy-Connection: keep-alive\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "GET / HTTP/%s\r\n" H "%s\r\n", cases[i].version,
                 cases[i].connection);
        struct h1_bed b;
        take(&b, text);
        assert_int_equal(b.head.keep_alive, cases[i].keep_alive);
        assert_int_equal(b.head.http10, cases[i].version[2] == '0');
        bed_deinit(&b);
    }
}

static void test_bodies(void **state)
{
    struct h1_bed b;
    take(&b, "POST / HTTP/1.1\r\n" H "Content-Length: 1234567890123\r\n\r\n");
    assert_int_equal(b.head.body, BODY_LENGTH);
    assert_true(b.head.content_length == 1234567890123);
    assert_null(fields_find(&b.head.fields, FIELD_CONTENT_LENGTH));
    bed_deinit(&b);

    take(&b, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
             "5\r\nhello\r\n6; a\r\n world\r\n0\r\nX: y\r\n\r\nGET");
    assert_int_equal(b.head.body, BODY_CHUNKED);
    assert_null(fields_find(&b.head.fields, FIELD_TRANSFER_ENCODING));
    assert_string_equal(b.body, "hello world");
    assert_int_equal(b.chunked.trailers.n, 1);
    bed_deinit(&b);

    take(&b, "POST / HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(b.head.body, BODY_NONE);
    bed_deinit(&b);
}

static void test_expectations(void **state)
{
    struct h1_bed b;
    take(&b, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n");
    assert_true(b.head.expect_continue);
    assert_span(field_of(&b, FIELD_EXPECT), "100-Continue");
    bed_deinit(&b);

    /* Nothing to wait for. */
    take(&b, "GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n");
    assert_false(b.head.expect_continue);
    assert_span(field_of(&b, FIELD_EXPECT), "(none)");
    bed_deinit(&b);

    /* RFC 9110 10.1.1 */
    take(&b, "POST / HTTP/1.0\r\n" H "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    assert_false(b.head.expect_continue);
    assert_span(field_of(&b, FIELD_EXPECT), "(none)");
    bed_deinit(&b);
}

static void test_upgrades(void **state)
{
    struct h1_bed b;
    take(&b,
         "GET / HTTP/1.1\r\n" H "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n");
    assert_span(b.head.upgrade, "websocket");
    bed_deinit(&b);

    take(&b, "GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: h2c, websocket\r\n\r\n");
    assert_span(b.head.upgrade, "websocket");
    bed_deinit(&b);

    take(&b, "GET / HTTP/1.1\r\n" H "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n"
             "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n");
    assert_int_equal(b.head.upgrade.len, 0);
    assert_span(field_of(&b, FIELD_HTTP2_SETTINGS), "(none)");
    bed_deinit(&b);
}

static void test_pipelined_requests_are_told_apart(void **state)
{
    struct span in = SPAN_LIT("GET /1 HTTP/1.1\r\n" H "\r\n"
                              "POST /2 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
                              "1\r\nx\r\n0\r\n\r\n"
                              "\r\nGET /3 HTTP/1.1\r\n" H "\r\n");
    static const char *const targets[] = {"/1", "/2", "/3"};
    for (size_t i = 0; i < 3; i++) {
        struct h1_bed b;
        bed_init(&b);
        assert_int_equal(bed_read(&b, in, in.len), 0);
        assert_true(span_eq(b.head.target, span_str(targets[i])));
        in = span_from(in, b.used);
        bed_deinit(&b);
    }
    assert_int_equal(in.len, 0);
}

/* Slow arrival says the same as arrival at once, whatever the steps. */
static void test_slow_arrival(void **state)
{
    struct span in = SPAN_LIT(
        "\r\nPOST /slow?x HTTP/1.1\r\n" H "X-A: b\r\nX-C:\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        "b;ext=\"y\"\r\nhello world\r\n1\r\n!\r\n0\r\nX-T: u\r\nX-V: w\r\n\r\n");
    for (size_t step = 1; step <= in.len; step++) {
        struct h1_bed b;
        bed_init(&b);
        assert_int_equal(bed_read(&b, in, step), 0);
        assert_int_equal(b.used, in.len);
        assert_span(b.head.target, "/slow?x");
        assert_int_equal(b.head.fields.n, 2);
        assert_string_equal(b.body, "hello world!");
        assert_int_equal(b.chunked.trailers.n, 2);
        assert_span(b.chunked.trailers.v[1].value, "w");
        bed_deinit(&b);
    }
}

/* --- limits -------------------------------------------------------------------------------------- */

/* "GET /AAAA... HTTP/1.1" with a target of LEN bytes, then as many fields as asked for. */
static char *build(size_t target_len, size_t n_fields, size_t value_len)
{
    size_t cap = target_len + n_fields * (value_len + 16) + 128;
    char *text = malloc(cap), *at = text;
    at += sprintf(at, "GET /");
    memset(at, 'a', target_len - 1);
    at += target_len - 1;
    at += sprintf(at, " HTTP/1.1\r\n" H);
    for (size_t i = 0; i < n_fields; i++) {
        at += sprintf(at, "x-%03zu: ", i);
        memset(at, 'v', value_len);
        at += value_len;
        at += sprintf(at, "\r\n");
    }
    sprintf(at, "\r\n");
    return text;
}

static int status_of(char *text, size_t step)
{
    struct h1_bed b;
    bed_init(&b);
    struct span in = span_str(text);
    int status = bed_read(&b, in, step ? step : in.len);
    bed_deinit(&b);
    return status;
}

static void test_limits(void **state)
{
    static const struct {
        size_t target, fields, value;
        int status;
    } cases[] = {
        {TARGET_MAX, 0, 0, 0},       {TARGET_MAX + 1, 0, 0, 414}, {TARGET_MAX + 500, 0, 0, 414},
        {HEAD_MAX * 2, 0, 0, 414},   {1, FIELDS_MAX - 1, 1, 0},   {1, FIELDS_MAX, 1, 431},
        {1, FIELDS_MAX * 4, 1, 431}, {1, 1, HEAD_MAX, 431},       {1, 1, HEAD_MAX * 2, 431},
        {1, 1, HEAD_MAX - 100, 0},   {1, 100, 1000, 431},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = build(cases[i].target, cases[i].fields, cases[i].value);
        assert_int_equal(status_of(text, 0), cases[i].status);
        assert_int_equal(status_of(text, 1), cases[i].status);
        assert_int_equal(status_of(text, 1000), cases[i].status);
        free(text);
    }
}

/* Refused as soon as it is certain, not when the line has ended at last. */
static void test_a_start_line_without_end_is_refused(void **state)
{
    char *text = malloc(TARGET_MAX + 200);
    memset(text, 'a', TARGET_MAX + 200);
    memcpy(text, "GET /", 5);
    struct h1_fault fault = {0};
    size_t scanned = 0, len;
    enum err e = ERR_AGAIN;
    for (size_t n = 1; e == ERR_AGAIN && n <= TARGET_MAX + 200; n++)
        e = h1_find_head(span_of(text, n), &scanned, &len, &fault);
    assert_err(ERR_FULL, e);
    assert_int_equal(fault.status, 414);
    free(text);
}

static void test_a_full_arena_is_an_error(void **state)
{
    char *text = build(100, 50, 100);
    for (size_t ceiling = 0; ceiling < 8192; ceiling += 128) {
        struct arena a;
        struct request_head head;
        struct h1_fault fault = {0};
        arena_init(&a, NULL, 0, ceiling);
        enum err e = h1_parse_request(span_str(text), &a, &head, &fault);
        if (ceiling < 5000) {
            assert_err(ERR_FULL, e);
            assert_int_equal(fault.status, 431);
        }
        arena_deinit(&a);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_request),
        cmocka_unit_test(test_names_become_lower_case),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_persistence),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_expectations),
        cmocka_unit_test(test_upgrades),
        cmocka_unit_test(test_pipelined_requests_are_told_apart),
        cmocka_unit_test(test_slow_arrival),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_start_line_without_end_is_refused),
        cmocka_unit_test(test_a_full_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
