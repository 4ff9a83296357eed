#include "core/hex_base64.h"

#include "support/test.h"

static void hex_both_ways(void **state)
{
    char text[16];
    assert_span(hex_encode("\x00\xff\x1a", 3, text), "00ff1a");
    assert_string_equal(text, "00ff1a");
    assert_span(hex_encode(NULL, 0, text), "");

    uint8_t bytes[3];
    size_t len = 9;
    assert_ok(hex_decode(SPAN_LIT("00fF1A"), bytes, sizeof bytes, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "\x00\xff\x1a", 3);
    assert_ok(hex_decode(SPAN_LIT(""), NULL, 0, &len));
    assert_int_equal(len, 0);
}

static void hex_refusals(void **state)
{
    uint8_t bytes[2];
    size_t len = 9;
    assert_err(ERR_SYNTAX, hex_decode(SPAN_LIT("0"), bytes, 2, &len));
    assert_err(ERR_SYNTAX, hex_decode(SPAN_LIT("0g"), bytes, 2, &len));
    assert_err(ERR_SYNTAX, hex_decode(SPAN_LIT("0 "), bytes, 2, &len));
    assert_err(ERR_SYNTAX, hex_decode(SPAN_LIT("+1"), bytes, 2, &len));
    assert_err(ERR_FULL, hex_decode(SPAN_LIT("000000"), bytes, 2, &len));
    assert_int_equal(len, 9);
}

/* RFC 4648 section 10, without the padding. */
static void base64url_vectors(void **state)
{
    static const struct {
        const char *plain, *text;
    } cases[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
                 {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span plain = span_str(cases[i].plain);
        char text[16];
        struct span got = base64url_encode(plain.p, plain.len, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(got.len, BASE64URL_LEN(plain.len));

        char back[16];
        size_t len;
        assert_ok(base64url_decode(got, back, plain.len, &len));
        assert_true(span_eq(span_of(back, len), plain));
    }
}

static void base64url_alphabet(void **state)
{
    char text[8];
    assert_span(base64url_encode("\xfb\xff\xfe", 3, text), "-__-");
    uint8_t bytes[3];
    size_t len;
    assert_ok(base64url_decode(SPAN_LIT("-__-"), bytes, 3, &len));
    assert_memory_equal(bytes, "\xfb\xff\xfe", 3);
}

static void base64url_all_bytes_and_lengths(void **state)
{
    uint8_t bytes[256], back[256];
    char text[BASE64URL_LEN(256) + 1];
    for (size_t i = 0; i < 256; i++)
        bytes[i] = (uint8_t)(i * 167);
    for (size_t n = 0; n <= 256; n++) {
        size_t len;
        struct span s = base64url_encode(bytes, n, text);
        assert_int_equal(s.len, BASE64URL_LEN(n));
        assert_ok(base64url_decode(s, back, n, &len));
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
    }
}

static void base64url_refusals(void **state)
{
    static const char *const malformed[] = {
        "A",    "AAAAA", "Zg==", "Zm8=",
        "+AAA", "/AAA",  "AA A", "AA\n", /* bits set behind the last byte: */
        "Zh",   "Zm9",   "__"};
    uint8_t bytes[8];
    size_t len = 9;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_err(ERR_SYNTAX, base64url_decode(span_str(malformed[i]), bytes, 8, &len));
    assert_err(ERR_FULL, base64url_decode(SPAN_LIT("AAAA"), bytes, 2, &len));
    assert_int_equal(len, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(hex_refusals),
        cmocka_unit_test(base64url_vectors),
        cmocka_unit_test(base64url_alphabet),
        cmocka_unit_test(base64url_all_bytes_and_lengths),
        cmocka_unit_test(base64url_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
