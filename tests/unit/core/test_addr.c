#include "core/addr.h"

#include "support/test.h"

static struct addr ip(const char *text)
{
    struct addr a;
    assert_ok(addr_parse_ip(span_str(text), 0, &a));
    return a;
}

static void with_a_port_both_ways(void **state)
{
    static const char *const same[] = {"0.0.0.0:53", "192.0.2.1:65535",   "127.0.0.1:0",
                                       "[::]:53",    "[2001:db8::1]:443", "[::ffff:192.0.2.1]:1"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct addr a;
        char text[ADDR_TEXT_MAX];
        assert_ok(addr_parse_port(span_str(same[i]), &a));
        assert_string_equal(addr_text(&a, text), same[i]);
    }
    struct addr a;
    assert_ok(addr_parse_port(SPAN_LIT("192.0.2.1:853"), &a));
    assert_int_equal(addr_port(&a), 853);
    assert_int_equal(a.len, sizeof(struct sockaddr_in));
    addr_set_port(&a, 54);
    assert_int_equal(addr_port(&a), 54);
    assert_ok(addr_parse_port(SPAN_LIT("[::1]:853"), &a));
    assert_int_equal(addr_port(&a), 853);
    assert_int_equal(a.len, sizeof(struct sockaddr_in6));
    addr_set_port(&a, 54);
    assert_int_equal(addr_port(&a), 54);
}

static void malformed_with_a_port(void **state)
{
    static const char *const bad[] = {
        "",
        ":53",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "::1:53",
        "[::1]",
        "[::1]:",
        "[::1]x:53",
        "[127.0.0.1]:53",
        "[]:53",
        "[:53",
        "::1]:53",
        "127.0.0.1 :53",
        "localhost:53",
        "127.1:53",
        "[::1%lo]:53",
        "127.0.0.256:1",
        "01.2.3.4:5",
        "[[::1]]:53",
    };
    struct addr a;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(ERR_SYNTAX, addr_parse_port(span_str(bad[i]), &a));
    assert_err(ERR_RANGE, addr_parse_port(SPAN_LIT("127.0.0.1:65536"), &a));
    assert_err(ERR_RANGE, addr_parse_port(SPAN_LIT("127.0.0.1:99999999999999999999"), &a));
}

static void ip_alone(void **state)
{
    struct addr a;
    char text[ADDR_TEXT_MAX];
    assert_ok(addr_parse_ip(SPAN_LIT("192.0.2.1"), 80, &a));
    assert_int_equal(addr_port(&a), 80);
    assert_string_equal(addr_ip_text(&a, text), "192.0.2.1");
    assert_string_equal(addr_text(&a, text), "192.0.2.1:80");
    assert_ok(addr_parse_ip(SPAN_LIT("2001:DB8:0:0:0:0:0:1"), 80, &a));
    assert_string_equal(addr_ip_text(&a, text), "2001:db8::1");
    assert_string_equal(addr_text(&a, text), "[2001:db8::1]:80");
    assert_ok(addr_parse_ip(SPAN_LIT("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"), 65535, &a));
    assert_string_equal(addr_text(&a, text), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");

    static const char *const bad[] = {
        "",         "1",
        "1.2.3",    "1.2.3.4.5",
        "1.2.3.4 ", "[::1]",
        "::1/64",   "fe80::1%eth0",
        ":",        ":::",
        "g::",      "1111111111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(ERR_SYNTAX, addr_parse_ip(span_str(bad[i]), 0, &a));
    assert_err(ERR_SYNTAX, addr_parse_ip(SPAN_LIT("1.2.3.4\0"), 0, &a));
}

static void no_address_has_a_text_too(void **state)
{
    struct addr a = {.len = 0};
    char text[ADDR_TEXT_MAX];
    size_t len;
    assert_string_equal(addr_ip_text(&a, text), "?");
    assert_int_equal(addr_port(&a), 0);
    addr_ip_bytes(&a, &len);
    assert_int_equal(len, 0);
    assert_false(addr_eq(&a, &a));
    assert_false(addr_is_loopback(&a));
}

static void equality(void **state)
{
    struct addr a = ip("192.0.2.1"), b = ip("192.0.2.1"), c = ip("192.0.2.2"), d = ip("::1");
    struct addr e = ip("::1"), f = ip("::2");
    assert_true(addr_eq(&a, &b));
    assert_false(addr_eq(&a, &c));
    assert_false(addr_eq(&a, &d));
    assert_true(addr_eq(&d, &e));
    assert_false(addr_eq(&d, &f));
    addr_set_port(&b, 1);
    assert_false(addr_eq(&a, &b));
    e.v6.sin6_scope_id = 2;
    assert_false(addr_eq(&d, &e));
}

static void loopback_and_bytes(void **state)
{
    struct addr a = ip("127.255.0.1"), b = ip("128.0.0.1"), c = ip("::1"), d = ip("::2");
    struct addr e = ip("::ffff:127.0.0.1"), f = ip("::127.0.0.1");
    assert_true(addr_is_loopback(&a));
    assert_false(addr_is_loopback(&b));
    assert_true(addr_is_loopback(&c));
    assert_false(addr_is_loopback(&d));
    assert_true(addr_is_loopback(&e));
    assert_false(addr_is_loopback(&f));

    size_t len;
    assert_memory_equal(addr_ip_bytes(&a, &len), "\x7f\xff\0\x01", 4);
    assert_int_equal(len, 4);
    assert_memory_equal(addr_ip_bytes(&e, &len), "\x7f\0\0\x01", 4);
    assert_int_equal(len, 4);
    addr_ip_bytes(&c, &len);
    assert_int_equal(len, 16);
}

static bool has(const char *network, const char *address)
{
    struct addr_cidr c;
    struct addr a = ip(address);
    assert_ok(addr_cidr_parse(span_str(network), &c));
    return addr_cidr_has(&c, &a);
}

static void networks(void **state)
{
    assert_true(has("10.0.0.0/8", "10.255.255.255"));
    assert_false(has("10.0.0.0/8", "11.0.0.0"));
    assert_true(has("172.16.0.0/12", "172.31.255.255"));
    assert_false(has("172.16.0.0/12", "172.32.0.0"));
    assert_true(has("0.0.0.0/0", "255.1.2.3"));
    assert_false(has("0.0.0.0/0", "::1"));
    assert_true(has("192.0.2.1", "192.0.2.1"));
    assert_true(has("192.0.2.1/32", "192.0.2.1"));
    assert_false(has("192.0.2.1", "192.0.2.0"));
    assert_true(has("192.0.2.128/25", "192.0.2.129"));
    assert_false(has("192.0.2.128/25", "192.0.2.127"));

    assert_true(has("2001:db8::/32", "2001:db8:ffff::1"));
    assert_false(has("2001:db8::/32", "2001:db9::"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::"));
    assert_true(has("::1", "::1"));
    assert_true(has("::/0", "2001:db8::1"));
    assert_false(has("::/0", "192.0.2.1"));
}

/* What comes through a socket for both families is an IPv4 peer all the same. */
static void mapped_addresses_are_ipv4(void **state)
{
    assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_true(has("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
    assert_false(has("::ffff:10.0.0.0/104", "11.1.2.3"));
    assert_false(has("::/0", "::ffff:10.1.2.3"));
}

static void malformed_networks(void **state)
{
    static const char *const bad[] = {"",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/x",
                                      "10.0.0.1/8",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/8/8",
                                      "10.0.0.0/ 8",
                                      "10/8",
                                      "2001:db8::1/32",
                                      "[::]/0",
                                      "0.0.0.1/0",
                                      "::ffff:0:0/95"};
    struct addr_cidr c;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(ERR_SYNTAX, addr_cidr_parse(span_str(bad[i]), &c));
    assert_err(ERR_RANGE, addr_cidr_parse(SPAN_LIT("10.0.0.0/33"), &c));
    assert_err(ERR_RANGE, addr_cidr_parse(SPAN_LIT("::/129"), &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_port_both_ways),
        cmocka_unit_test(malformed_with_a_port),
        cmocka_unit_test(ip_alone),
        cmocka_unit_test(no_address_has_a_text_too),
        cmocka_unit_test(equality),
        cmocka_unit_test(loopback_and_bytes),
        cmocka_unit_test(networks),
        cmocka_unit_test(mapped_addresses_are_ipv4),
        cmocka_unit_test(malformed_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
