#include "dns/cookie.h"

#include "dns/siphash24.h"
#include "support/test.h"

static void unhex(const char *hex, uint8_t *out, size_t len)
{
    assert_int_equal(strlen(hex), 2 * len);
    for (size_t i = 0; i < len; i++) {
        uint64_t v;
        assert_ok(span_hex_u64(span_of(hex + 2 * i, 2), &v));
        out[i] = (uint8_t)v;
    }
}

/* The vectors of the algorithm's authors: key 00..0f, input 00..n-1. */
static void siphash_gives_its_authors_vectors(void **state)
{
    static const struct {
        size_t len;
        const char *hash;
    } vectors[] = {{0, "310e0edd47db6f72"}, {1, "fd67dc93c539f874"}, {15, "e545be4961ca29a1"}};
    uint8_t key[16], input[16], out[8], expected[8];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = input[i] = i;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        siphash24(key, input, vectors[i].len, out);
        unhex(vectors[i].hash, expected, sizeof(expected));
        assert_memory_equal(out, expected, sizeof(out));
    }
}

struct vector {
    const char *made_with, *now_with;
    const char *client, *shown;
    uint32_t wall_s;
    enum dns_cookie_state state;
    const char *given;
};

static void check(const struct vector *v)
{
    struct dns_cookie_keys keys = {.has_previous = v->now_with != NULL};
    struct addr client;
    uint8_t shown[40], given[DNS_COOKIE_LEN], expected[DNS_COOKIE_LEN];
    size_t len = strlen(v->shown) / 2;
    unhex(v->now_with ? v->now_with : v->made_with, keys.current, 16);
    if (v->now_with)
        unhex(v->made_with, keys.previous, 16);
    assert_ok(addr_parse_ip(span_str(v->client), 5300, &client));
    unhex(v->shown, shown, len);
    unhex(v->given, expected, sizeof(expected));
    assert_int_equal(dns_cookie_answer(&keys, &client, v->wall_s, shown, len, given), v->state);
    assert_memory_equal(given, expected, sizeof(given));
}

/* RFC 9018, appendix A. */
#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define A1_CLIENT "2464c4abcf10c957"
#define A1_COOKIE "2464c4abcf10c957010000005cf79f111f8130c3eee29480"

static void the_rfcs_vectors_hold(void **state)
{
    static const struct vector vectors[] = {
        /* A.1: learning a new server cookie. */
        {SECRET, NULL, "198.51.100.100", A1_CLIENT, 1559731985, DNS_COOKIE_CLIENT_ONLY, A1_COOKIE},
        /* A.2: 40 minutes later it is renewed. */
        {SECRET, NULL, "198.51.100.100", A1_COOKIE, 1559734385, DNS_COOKIE_GOOD,
         "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
        /* A.3: reserved bytes that are not zero are hashed as they are; at the time of the RFC's
         * answer this cookie is older than the hour that the RFC recommends. */
        {SECRET, NULL, "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
         1559734700, DNS_COOKIE_BAD, "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
        {SECRET, NULL, "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
         1559727985, DNS_COOKIE_GOOD, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"},
        /* A.4: IPv6, and the secret has been rolled over. */
        {"dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962",
         "2001:db8:220:1:59de:d0f4:8769:82b8", "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
         1559741961, DNS_COOKIE_GOOD, "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        check(&vectors[i]);
}

#define A1_ADDRESS "198.51.100.100"
#define A1_TIME 1559731985u

static enum dns_cookie_state judge(const char *secret, const char *client, uint32_t wall_s,
                                   const uint8_t *cookie, size_t len, bool *same)
{
    struct dns_cookie_keys keys = {.has_previous = false};
    struct addr a;
    uint8_t given[DNS_COOKIE_LEN];
    unhex(secret, keys.current, 16);
    assert_ok(addr_parse_ip(span_str(client), 0, &a));
    enum dns_cookie_state s = dns_cookie_answer(&keys, &a, wall_s, cookie, len, given);
    *same = len == sizeof(given) && memcmp(given, cookie, sizeof(given)) == 0;
    return s;
}

static void a_cookie_is_good_for_an_hour_and_kept_for_half(void **state)
{
    static const struct {
        int32_t age;
        enum dns_cookie_state state;
        bool same;
    } rows[] = {
        {0, DNS_COOKIE_GOOD, true},     {1799, DNS_COOKIE_GOOD, true},
        {1800, DNS_COOKIE_GOOD, false}, {3600, DNS_COOKIE_GOOD, false},
        {3601, DNS_COOKIE_BAD, false},  {-300, DNS_COOKIE_GOOD, true},
        {-301, DNS_COOKIE_BAD, false},
    };
    uint8_t cookie[DNS_COOKIE_LEN];
    bool same;
    unhex(A1_COOKIE, cookie, sizeof(cookie));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t now = A1_TIME + (uint32_t)rows[i].age;
        assert_int_equal(judge(SECRET, A1_ADDRESS, now, cookie, sizeof(cookie), &same),
                         rows[i].state);
        assert_int_equal(same, rows[i].same);
    }
}

static void a_cookie_is_bound_to_all_its_parts_and_never_echoed_when_bad(void **state)
{
    uint8_t cookie[40] = {0};
    bool same;
    for (size_t i = 0; i < DNS_COOKIE_LEN; i++) {
        unhex(A1_COOKIE, cookie, DNS_COOKIE_LEN);
        cookie[i] ^= 1;
        assert_int_equal(judge(SECRET, A1_ADDRESS, A1_TIME, cookie, DNS_COOKIE_LEN, &same),
                         DNS_COOKIE_BAD);
        assert_false(same);
    }
    unhex(A1_COOKIE, cookie, DNS_COOKIE_LEN);
    assert_int_equal(judge(SECRET, "198.51.100.101", A1_TIME, cookie, DNS_COOKIE_LEN, &same),
                     DNS_COOKIE_BAD);
    assert_false(same);
    assert_int_equal(judge("dd3bdf9344b678b185a6f5cb60fca715", A1_ADDRESS, A1_TIME, cookie,
                           DNS_COOKIE_LEN, &same),
                     DNS_COOKIE_BAD);
    assert_int_equal(judge(SECRET, A1_ADDRESS, A1_TIME, cookie, 40, &same), DNS_COOKIE_BAD);
    assert_int_equal(judge(SECRET, A1_ADDRESS, A1_TIME, cookie, 16, &same), DNS_COOKIE_BAD);
}

/* RFC 1982: the time stamp is a serial number. */
static void the_time_stamp_wraps(void **state)
{
    struct dns_cookie_keys keys = {.has_previous = false};
    struct addr a;
    uint8_t client[8] = {1}, made[DNS_COOKIE_LEN], given[DNS_COOKIE_LEN];
    assert_ok(addr_parse_ip(SPAN_LIT("192.0.2.9"), 0, &a));
    dns_cookie_answer(&keys, &a, 0xffffff00u, client, sizeof(client), made);
    assert_int_equal(dns_cookie_answer(&keys, &a, 0x100, made, sizeof(made), given),
                     DNS_COOKIE_GOOD);
    assert_memory_equal(given, made, sizeof(made));
}

static void lengths_are_those_of_the_rfc(void **state)
{
    for (size_t len = 0; len < 64; len++)
        assert_int_equal(dns_cookie_len_ok(len), len == 8 || (len >= 16 && len <= 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_gives_its_authors_vectors),
        cmocka_unit_test(the_rfcs_vectors_hold),
        cmocka_unit_test(a_cookie_is_good_for_an_hour_and_kept_for_half),
        cmocka_unit_test(a_cookie_is_bound_to_all_its_parts_and_never_echoed_when_bad),
        cmocka_unit_test(the_time_stamp_wraps),
        cmocka_unit_test(lengths_are_those_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
