/* PROXY headers, as the specification writes them, and as nobody should. */
#include "proxy/net/proxy_protocol.h"

#include "core/mem.h"
#include "support/test.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define TCP4_ADDRS "\xc0\x00\x02\x01\xc6\x33\x64\x07\xc3\x50\x01\xbb"
#define V2_TCP4 SIG "\x21\x11\x00\x0c" TCP4_ADDRS

static struct addr addr(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse_port(span_str(text), &a), ERR_OK);
    return a;
}

/* Whole it is RESULT; every shorter one wants more, or is refused for good. */
static struct proxy_header parse(struct span s, enum err result)
{
    struct proxy_header h, part;
    assert_int_equal(proxy_header_parse(s, &h), result);
    for (size_t n = 0; result == ERR_OK && n < h.len; n++)
        assert_int_equal(proxy_header_parse(span_sub(s, 0, n), &part), ERR_AGAIN);
    return h;
}

static void check_ends(const struct proxy_header *h, const char *client, const char *local)
{
    char text[ADDR_TEXT_MAX];
    assert_true(h->has_client);
    assert_string_equal(addr_text(&h->client, text), client);
    assert_string_equal(addr_text(&h->local, text), local);
}

static void version_1(void **state)
{
    struct proxy_header h = parse(SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 50000 443\r\nGET /"),
                                  ERR_OK);
    check_ends(&h, "192.0.2.1:50000", "198.51.100.7:443");
    assert_int_equal(h.len, 45);
    h = parse(SPAN_LIT("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"), ERR_OK);
    check_ends(&h, "[2001:db8::1]:0", "[::1]:65535");
    /* The longest there is, 104 bytes. */
    h = parse(SPAN_LIT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:"
                       "ffff:ffff:ffff:ffff 65535 65535\r\n"),
              ERR_OK);
    assert_int_equal(h.len, 104);
}

static void version_1_that_says_nothing(void **state)
{
    static const struct span lines[] = {
        SPAN_LIT("PROXY UNKNOWN\r\nx"),
        SPAN_LIT("PROXY UNKNOWN ff:ff:: ff::ff 65535 65535\r\nx"),
        SPAN_LIT("PROXY UNKNOWN  anything at all\r\nx"),
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct proxy_header h = parse(lines[i], ERR_OK);
        assert_false(h.has_client);
        assert_int_equal(h.len, lines[i].len - 1);
    }
}

static void version_1_out_of_order(void **state)
{
    static const struct span lines[] = {
        SPAN_LIT("GET / HTTP/1.1\r\n"),
        SPAN_LIT("proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY\r\n"),
        SPAN_LIT("PROXY \r\n"),
        SPAN_LIT("PROXY  TCP4 192.0.2.1 198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY tcp4 192.0.2.1 198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY UNKNOWNS\r\n"),
        SPAN_LIT("PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1  198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 1 \r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 1 65536\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 -1 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 +1 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.01 198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2 198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1\0 198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY TCP4 ::1 ::1 1 2\r\n"),
        SPAN_LIT("PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 ::1 1 2\r\n"),
        SPAN_LIT("PROXY TCP6 [::1] [::1] 1 2\r\n"),
        SPAN_LIT("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n"),
        SPAN_LIT("PROXY TCP4 192.0.2.1 198.51.100.7 1\t2\r\n"),
        SPAN_LIT("\r\nPROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\n"),
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        parse(lines[i], ERR_SYNTAX);
}

static void version_1_is_at_most_107_bytes(void **state)
{
    char line[256] = "PROXY UNKNOWN ";
    memset(line + 14, 'x', 200);
    memcpy(line + 105, "\r\n", 2);
    assert_int_equal(parse(span_of(line, 107), ERR_OK).len, 107);
    memcpy(line + 105, "x\r\n", 3);
    parse(span_of(line, 106), ERR_AGAIN);
    parse(span_of(line, 107), ERR_SYNTAX);
    parse(span_of(line, 108), ERR_SYNTAX);
}

static void version_2(void **state)
{
    struct proxy_header h = parse(SPAN_LIT(V2_TCP4 "\x16\x03\x01"), ERR_OK);
    check_ends(&h, "192.0.2.1:50000", "198.51.100.7:443");
    assert_int_equal(h.len, 28);
    h = parse(SPAN_LIT(SIG "\x21\x21\x00\x24"
                           "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xc3\x50\x01\xbb"),
              ERR_OK);
    check_ends(&h, "[2001:db8::1]:50000", "[::1]:443");
    /* TLVs, of which not even the form is looked at. */
    h = parse(SPAN_LIT(SIG "\x21\x11\x00\x11" TCP4_ADDRS "\x04\xff\xff"
                           "ab"),
              ERR_OK);
    check_ends(&h, "192.0.2.1:50000", "198.51.100.7:443");
    assert_int_equal(h.len, 33);
}

static void version_2_that_says_nothing(void **state)
{
    char unix_stream[16 + 216] = SIG "\x21\x31\x00\xd8";
    static const struct span some[] = {
        SPAN_LIT(SIG "\x20\x00\x00\x00"),            /* LOCAL: a health check */
        SPAN_LIT(SIG "\x20\x11\x00\x0c" TCP4_ADDRS), /* whatever stands behind */
        SPAN_LIT(SIG "\x20\xff\x00\x01y"),
        SPAN_LIT(SIG "\x21\x00\x00\x00"), /* UNSPEC */
        SPAN_LIT(SIG "\x21\x00\x00\x03"
                     "abc"),
    };
    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        struct proxy_header h = parse(some[i], ERR_OK);
        assert_false(h.has_client);
        assert_int_equal(h.len, some[i].len);
    }
    assert_false(parse(span_of(unix_stream, sizeof unix_stream), ERR_OK).has_client);
}

static void version_2_out_of_order(void **state)
{
    static const struct span some[] = {
        SPAN_LIT("\r\n\r\n\0\r\nQUIP"),
        SPAN_LIT(SIG "\x11\x11\x00\x0c" TCP4_ADDRS), /* a version 1 in binary */
        SPAN_LIT(SIG "\x22\x11\x00\x0c" TCP4_ADDRS), /* an unknown command */
        SPAN_LIT(SIG "\x21\x12\x00\x0c" TCP4_ADDRS), /* a datagram */
        SPAN_LIT(SIG "\x21\x10\x00\x0c" TCP4_ADDRS),
        SPAN_LIT(SIG "\x21\x01\x00\x0c" TCP4_ADDRS),
        SPAN_LIT(SIG "\x21\x41\x00\x0c" TCP4_ADDRS),
        SPAN_LIT(SIG "\x21\x11\x00\x0b" TCP4_ADDRS), /* too short for its addresses */
        SPAN_LIT(SIG "\x21\x21\x00\x0c" TCP4_ADDRS),
        SPAN_LIT(SIG "\x21\x31\x00\x0c" TCP4_ADDRS),
        SPAN_LIT(SIG "\x21\x11\x0f\xf1"), /* a byte above the most: known from the length */
        SPAN_LIT(SIG "\x20\x00\xff\xff"),
    };
    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        parse(some[i], ERR_SYNTAX);
}

static void version_2_is_bounded(void **state)
{
    char most[PROXY_V2_MAX] = SIG "\x21\x11\x0f\xf0" TCP4_ADDRS;
    assert_int_equal(parse(span_of(most, sizeof most), ERR_OK).len, PROXY_V2_MAX);
}

/* What is written is read as what was meant. */
static void check_both(const char *client, const char *local, const char *client_read,
                       const char *local_read)
{
    struct addr from = addr(client), to = addr(local);
    char v1[PROXY_V1_MAX], v2[PROXY_V2_OURS];
    struct proxy_header h = parse(span_of(v1, proxy_v1_write(&from, &to, v1)), ERR_OK);
    check_ends(&h, client_read, local_read);
    h = parse(span_of(v2, proxy_v2_write(&from, &to, v2)), ERR_OK);
    check_ends(&h, client_read, local_read);
}

static void written(void **state)
{
    check_both("192.0.2.1:50000", "198.51.100.7:443", "192.0.2.1:50000", "198.51.100.7:443");
    check_both("[2001:db8::1]:1", "[::1]:443", "[2001:db8::1]:1", "[::1]:443");
    check_both("[::ffff:192.0.2.1]:1", "198.51.100.7:443", "192.0.2.1:1", "198.51.100.7:443");
    check_both("192.0.2.1:1", "[2001:db8::7]:443", "[::ffff:192.0.2.1]:1", "[2001:db8::7]:443");
    check_both("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535", "[::1]:65535",
               "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[::1]:65535");

    struct addr from = addr("192.0.2.1:50000"), to = addr("198.51.100.7:443");
    char v1[PROXY_V1_MAX], v2[PROXY_V2_OURS];
    size_t n = proxy_v1_write(&from, &to, v1);
    assert_memory_equal(v1, "PROXY TCP4 192.0.2.1 198.51.100.7 50000 443\r\n", n);
    assert_int_equal(proxy_v2_write(&from, &to, v2), sizeof V2_TCP4 - 1);
    assert_memory_equal(v2, V2_TCP4, sizeof V2_TCP4 - 1);
}

static void nothing_to_say(void **state)
{
    struct addr from = {.sa.sa_family = AF_UNIX, .len = 2}, to = addr("198.51.100.7:443");
    char v1[PROXY_V1_MAX], v2[PROXY_V2_OURS];
    assert_int_equal(proxy_v1_write(&from, &to, v1), 15);
    assert_memory_equal(v1, "PROXY UNKNOWN\r\n", 15);
    size_t n = proxy_v2_write(&to, &from, v2);
    assert_int_equal(n, PROXY_V2_HEAD);
    assert_false(parse(span_of(v2, n), ERR_OK).has_client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1),
        cmocka_unit_test(version_1_that_says_nothing),
        cmocka_unit_test(version_1_out_of_order),
        cmocka_unit_test(version_1_is_at_most_107_bytes),
        cmocka_unit_test(version_2),
        cmocka_unit_test(version_2_that_says_nothing),
        cmocka_unit_test(version_2_out_of_order),
        cmocka_unit_test(version_2_is_bounded),
        cmocka_unit_test(written),
        cmocka_unit_test(nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
