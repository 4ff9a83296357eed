#include "config/names.h"

#include "core/mem.h"
#include "support/test.h"

static struct span many(char c, size_t n)
{
    static char text[300];
    assert_true(n < sizeof text);
    memset(text, c, n);
    return span_of(text, n);
}

static void test_label(void **state)
{
    static const char *const good[] = {"a", "0", "a-b", "a--b", "web2", "xn--abc"};
    static const char *const bad[] = {"", "-", "-a", "a-", "A", "a.b", "a_b", "a b", "\xc3\xa4"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(name_is_label(span_str(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(name_is_label(span_str(bad[i])));
    assert_true(name_is_label(many('a', 63)));
    assert_false(name_is_label(many('a', 64)));
    assert_false(name_is_label(span_of("a\0b", 3)));
}

static void test_session_and_service(void **state)
{
    assert_true(name_is_session(SPAN_LIT("slim-gecko")));
    assert_true(name_is_session(many('a', 40)));
    assert_false(name_is_session(many('a', 41)));
    assert_false(name_is_session(SPAN_LIT("a--b")));
    assert_false(name_is_session(SPAN_LIT("")));

    assert_true(name_is_service(many('a', 63)));
    assert_false(name_is_service(many('a', 64)));
    assert_false(name_is_service(SPAN_LIT("a--b")));
    assert_false(name_is_service(SPAN_LIT("Web")));
}

static void test_host(void **state)
{
    static const char *const good[] = {"a", "a.b", "dev.example.com", "1.2.3.4", "a--b.c"};
    static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "A.b", "a.-b", "a/b", "a b"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(name_is_host(span_str(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(name_is_host(span_str(bad[i])));

    char text[260];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '.' : 'a';
    assert_true(name_is_host(span_of(text, 253)));
    assert_false(name_is_host(span_of(text, 255)));
    assert_false(name_is_host(many('a', 64)));
}

static void test_below(void **state)
{
    struct span base = SPAN_LIT("example.com"), prefix = SPAN_LIT("?");
    assert_true(name_below(SPAN_LIT("example.com"), base, &prefix));
    assert_int_equal(prefix.len, 0);
    assert_true(name_below(SPAN_LIT("a.example.com"), base, &prefix));
    assert_span(prefix, "a");
    assert_true(name_below(SPAN_LIT("b.a.example.com"), base, &prefix));
    assert_span(prefix, "b.a");
    assert_true(name_below(SPAN_LIT("a.example.com"), base, NULL));

    assert_false(name_below(SPAN_LIT("notexample.com"), base, NULL));
    assert_false(name_below(SPAN_LIT(".example.com"), base, NULL));
    assert_false(name_below(SPAN_LIT("com"), base, NULL));
    assert_false(name_below(SPAN_LIT(""), base, NULL));
    assert_false(name_below(SPAN_LIT("example.com.org"), base, NULL));
    assert_false(name_below(SPAN_LIT("a"), SPAN_LIT(""), NULL));
}

static void test_reserved(void **state)
{
    const char *nameservers[] = {"dns-a.dev.example.com", "ns.example.net"};
    struct config_service services[] = {{.name = "web"}, {.name = "api"}};
    struct config_domain domains[] = {{.domain = "shop.example.org"}};
    struct config c = {
        .zone = "dev.example.com",
        .nameservers = {nameservers, 2},
        .services = services,
        .n_services = 2,
        .domains = domains,
        .n_domains = 1,
    };
    static const char *const taken[] = {"edge",  "www", "ns1", "ns2", "ns42",
                                        "dns-a", "web", "api", "shop"};
    static const char *const open[] = {"ns",         "ns1x", "nsa",    "edge2",
                                       "slim-gecko", "webs", "example"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        assert_non_null(name_session_reserved(&c, span_str(taken[i])));
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        assert_null(name_session_reserved(&c, span_str(open[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label),    cmocka_unit_test(test_session_and_service),
        cmocka_unit_test(test_host),     cmocka_unit_test(test_below),
        cmocka_unit_test(test_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
