#include <stdio.h>

#include "core/mem.h"
#include "sessions/context.h"
#include "support/test.h"

/* LINES: header lines, each ended by '\n'. */
static struct span baggage_of(const char *lines)
{
    struct route_context c = {.baggage_members = 0};
    struct span rest = span_str(lines), line;
    while (span_split(&rest, '\n', &line))
        context_feed_baggage(&c, line);
    return c.baggage_session;
}

static struct span tracestate_of(const char *lines)
{
    struct route_context c = {.baggage_members = 0};
    struct span rest = span_str(lines), line;
    while (span_split(&rest, '\n', &line))
        context_feed_tracestate(&c, line);
    return c.tracestate_session;
}

struct row {
    const char *lines, *want;
};

static void check(struct span (*of)(const char *), const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!span_eq(of(rows[i].lines), span_str(rows[i].want)))
            fail_msg("\"%s\": \"" SPAN_FMT "\", not \"%s\"", rows[i].lines,
                     SPAN_ARG(of(rows[i].lines)), rows[i].want);
}

static void baggage(void **state)
{
    static const struct row rows[] = {
        {"linkup-session=x", "x"},
        {"a=1,linkup-session=x,b=2", "x"},
        {" a = 1 ,\tlinkup-session\t=  x  , b=2", "x"},
        {"linkup-session=x;ttl=5;secret", "x"},
        {"linkup-session = x ; ttl = 5", "x"},
        {"a=1;linkup-session=y,linkup-session=x", "x"}, /* a property is no member */
        {"a=1;p,linkup-session=x", "x"},
        {"linkup-session=%78%2Dy", "%78%2Dy"},
        {"a=1\nlinkup-session=x\n", "x"},
        {"linkup-session=x\nlinkup-session=y", "x"},
        {",, ,linkup-session=x,", "x"},
        {"linkup-session=a=b", "a=b"}, /* '=' is a baggage-octet */
        {"linkup-session=,linkup-session=x", "x"},
        {"linkup-session,linkup-session=x", "x"},
        /* keys are matched whole, and are case-sensitive */
        {"linkup-sessionx=y", ""},
        {"my-linkup-session=y", ""},
        {"linkup-sessio=y", ""},
        {"Linkup-Session=y", ""},
        {"linkup session=y", ""},
        {"x=linkup-session=y", ""},
        {"\"linkup-session\"=y", ""},
        {"a=\"linkup-session=y\"", ""},
        /* no value */
        {"", ""},
        {"linkup-session", ""},
        {"linkup-session=", ""},
        {"linkup-session=;p=1", ""},
        {"linkup-session= ", ""},
        {"linkup-session=\"x\"", ""},
        {"linkup-session=a b", ""},
        {"linkup-session=a\\b", ""},
        {"linkup-session=\xc3\xbc", ""},
        {"=linkup-session", ""},
    };
    check(baggage_of, rows, ARRAY_LEN(rows));
}

static void tracestate(void **state)
{
    static const struct row rows[] = {
        {"linkup-session=x", "x"},
        {"congo=t61rcWkgMzE,linkup-session=x", "x"},
        {"congo=1 ,\t linkup-session=x ,rojo=2", "x"},
        {"a=1\nb=2\nlinkup-session=x", "x"},
        {"linkup-session=x\nlinkup-session=y", "x"},
        {",,linkup-session=x", "x"},
        {"linkup-session=a;b:c", "a;b:c"},
        {"linkup-session=%78", "%78"}, /* not encoded: as it stands */
        {"linkup-sessionx=y", ""},
        {"tenant@linkup-session=y", ""},
        {"linkup-session@v=y", ""},
        {"Linkup-Session=y", ""},
        {"linkup-session =y", ""},
        {"a=linkup-session=y", ""},
        {"linkup-session=a=b", ""},
        {"linkup-session=", ""},
        {"linkup-session", ""},
        {"", ""},
    };
    check(tracestate_of, rows, ARRAY_LEN(rows));
}

/* N members "k=v", then ours. */
static char *members_before(int n)
{
    char *text = mem_alloc((size_t)n * 4 + 32);
    for (int i = 0; i < n; i++)
        memcpy(text + 4 * i, "k=v,", 4);
    strcpy(text + 4 * n, "linkup-session=x");
    return text;
}

static void member_limits(void **state)
{
    static const struct {
        struct span (*of)(const char *);
        int before;
        const char *want;
    } rows[] = {
        {baggage_of, 63, "x"},
        {baggage_of, 64, ""},
        {tracestate_of, 31, "x"},
        {tracestate_of, 32, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = members_before(rows[i].before);
        assert_true(span_eq(rows[i].of(text), span_str(rows[i].want)));
        mem_free(text);
    }
}

/* Over all lines together, as if they were one. */
static void limits_count_over_lines(void **state)
{
    struct route_context c = {.baggage_members = 0};
    for (int i = 0; i < 64; i++)
        context_feed_baggage(&c, SPAN_LIT("k=v"));
    context_feed_baggage(&c, SPAN_LIT("linkup-session=x"));
    assert_int_equal(c.baggage_session.len, 0);

    c = (struct route_context){.baggage_members = 0};
    for (int i = 0; i < 32; i++)
        context_feed_tracestate(&c, SPAN_LIT("k=v"));
    context_feed_tracestate(&c, SPAN_LIT("linkup-session=x"));
    assert_int_equal(c.tracestate_session.len, 0);
}

static void byte_limit(void **state)
{
    static const char ours[] = ",linkup-session=x";
    for (size_t total = 8190; total <= 8194; total++) {
        char *text = mem_alloc(total + 1);
        size_t filler = total - strlen(ours);
        memset(text, 'a', filler);
        text[1] = '=';
        strcpy(text + filler, ours);
        assert_int_equal(strlen(text), total);
        assert_int_equal(baggage_of(text).len, total <= 8192 ? 1 : 0);
        mem_free(text);
    }
}

static void referer_and_origin(void **state)
{
    static const struct {
        const char *value, *referer, *origin;
    } rows[] = {
        {"https://a.test", "a.test", "a.test"},
        {"HTTP://A.test:80", "A.test:80", "A.test:80"},
        {" https://a.test ", "a.test", "a.test"},
        {"https://[::1]:8443", "[::1]:8443", "[::1]:8443"},
        {"https://a.test/x?y#z", "a.test", ""},
        {"https://a.test?y", "a.test", ""},
        {"https://a.test#z", "a.test", ""},
        {"https://u:p@a.test", "u:p@a.test", "u:p@a.test"}, /* no host: see host_normalise */
        {"https://a.test https://b.test", "a.test https:", ""},
        {"null", "", ""},
        {"", "", ""},
        {"about:blank", "", ""},
        {"/path", "", ""},
        {"//a.test/", "", ""},
        {"https:/a.test", "", ""},
        {"ftp://a.test", "", ""},
        {"xhttps://a.test", "", ""},
        {"https://", "", ""},
        {"https:///a.test", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct route_context c = {.baggage_members = 0};
        context_feed_referer(&c, span_str(rows[i].value));
        context_feed_origin(&c, span_str(rows[i].value));
        if (!span_eq(c.referer_host, span_str(rows[i].referer)) ||
            !span_eq(c.origin_host, span_str(rows[i].origin)))
            fail_msg("%s: \"" SPAN_FMT "\", \"" SPAN_FMT "\"", rows[i].value,
                     SPAN_ARG(c.referer_host), SPAN_ARG(c.origin_host));
    }
}

static void the_first_counts(void **state)
{
    struct route_context c = {.baggage_members = 0};
    context_feed_origin(&c, SPAN_LIT("null"));
    context_feed_origin(&c, SPAN_LIT("https://a.test"));
    context_feed_origin(&c, SPAN_LIT("https://b.test"));
    context_feed_referer(&c, SPAN_LIT("https://c.test/"));
    context_feed_referer(&c, SPAN_LIT("https://d.test/"));
    assert_span(c.origin_host, "a.test");
    assert_span(c.referer_host, "c.test");
}

static void decoding(void **state)
{
    char out[8];
    struct span got;
    struct span plain = SPAN_LIT("as-it-is-however-long");
    assert_ok(context_decode(plain, out, sizeof out, &got));
    assert_ptr_equal(got.p, plain.p);
    assert_ok(context_decode(SPAN_LIT("%73l%69m%2D"), out, sizeof out, &got));
    assert_span(got, "slim-");
    assert_ok(context_decode(SPAN_LIT("%ff%00"), out, sizeof out, &got));
    assert_int_equal(got.len, 2);
    assert_memory_equal(got.p, "\xff\0", 2);
    assert_err(ERR_SYNTAX, context_decode(SPAN_LIT("a%"), out, sizeof out, &got));
    assert_err(ERR_SYNTAX, context_decode(SPAN_LIT("a%4"), out, sizeof out, &got));
    assert_err(ERR_SYNTAX, context_decode(SPAN_LIT("a%4x"), out, sizeof out, &got));
    assert_err(ERR_SYNTAX, context_decode(SPAN_LIT("a%+4"), out, sizeof out, &got));
    assert_err(ERR_FULL, context_decode(SPAN_LIT("%61bcdefghi"), out, sizeof out, &got));
}

static void hosts(void **state)
{
    static const struct row rows[] = {
        {"a.test", "a.test"},
        {"A.TEST", "a.test"},
        {"a.test:443", "a.test"},
        {"a.test:0", "a.test"},
        {"a.test:65535", "a.test"},
        {"a.test:", "a.test"},
        {"a.test.", "a.test"},
        {"A.test.:8443", "a.test"},
        {"localhost", "localhost"},
        {"192.0.2.1:80", "192.0.2.1"},
        {"_dmarc.a-b.test", "_dmarc.a-b.test"},
        {"[::1]", "[::1]"},
        {"[2001:DB8::1]:443", "[2001:db8::1]"},
        {"[::ffff:192.0.2.1]:", "[::ffff:192.0.2.1]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[256];
        struct span host;
        if (host_normalise(span_str(rows[i].lines), out, &host) != ERR_OK ||
            !span_eq(host, span_str(rows[i].want)))
            fail_msg("%s", rows[i].lines);
    }
}

static void no_hosts(void **state)
{
    static const char *const rows[] = {
        "",
        ".",
        ":443",
        "..",
        "a..b",
        ".a.test",
        "a.test..",
        "a.test:65536",
        "a.test:123456",
        "a.test:x",
        "a.test:+1",
        "a.test:80:80",
        "::1",
        "[::1",
        "[]",
        "[::1]x",
        "[::1]:x",
        "[127.0.0.1]",
        "[v1.x]",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "user@a.test",
        "user:pw@a.test",
        "a b",
        " a.test",
        "a.test\r\n",
        "a/b",
        "a%2eb",
        "a,b",
        "a*b",
        "\xc3\xbc.test",
        "a\x7f",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test",
    };
    char out[256];
    struct span host;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (host_normalise(span_str(rows[i]), out, &host) == ERR_OK)
            fail_msg("%s", rows[i]);
    assert_err(ERR_SYNTAX, host_normalise(span_of("a\0b", 3), out, &host));
    assert_err(ERR_SYNTAX, host_normalise((struct span){NULL, 0}, out, &host));
}

static void longest_host(void **state)
{
    char text[300], out[256];
    struct span host;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '.' : 'a';
    assert_ok(host_normalise(span_of(text, 253), out, &host));
    assert_int_equal(host.len, 253);
    assert_ok(host_normalise(span_of(text, 254), out, &host)); /* with its final dot */
    assert_int_equal(host.len, 253);
    assert_err(ERR_SYNTAX, host_normalise(span_of(text, 255), out, &host));
    assert_err(ERR_SYNTAX, host_normalise(span_of(text, 300), out, &host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baggage),
        cmocka_unit_test(tracestate),
        cmocka_unit_test(member_limits),
        cmocka_unit_test(limits_count_over_lines),
        cmocka_unit_test(byte_limit),
        cmocka_unit_test(referer_and_origin),
        cmocka_unit_test(the_first_counts),
        cmocka_unit_test(decoding),
        cmocka_unit_test(hosts),
        cmocka_unit_test(no_hosts),
        cmocka_unit_test(longest_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
