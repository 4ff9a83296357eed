#include "core/duration.h"

#include "support/test.h"

static uint64_t parsed(const char *text)
{
    uint64_t ms = 0;
    assert_ok(duration_parse(span_str(text), &ms));
    return ms;
}

static void units(void **state)
{
    assert_int_equal(parsed("250ms"), 250);
    assert_int_equal(parsed("90s"), 90000);
    assert_int_equal(parsed("10m"), 600000);
    assert_int_equal(parsed("12h"), 43200000);
    assert_int_equal(parsed("7d"), 604800000);
    assert_int_equal(parsed("0s"), 0);
    assert_int_equal(parsed("0ms"), 0);
}

static void malformed(void **state)
{
    static const char *const bad[] = {"",    "0",    "10",   "s",   "ms",   "1S",    "1 s",
                                      " 1s", "1s ",  "-1s",  "+1s", "1.5s", "1h30m", "1sec",
                                      "1w",  "0x1s", "1mss", "1µs", "d7"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t ms = 77;
        assert_err(ERR_SYNTAX, duration_parse(span_str(bad[i]), &ms));
        assert_int_equal(ms, 77);
    }
    uint64_t ms;
    assert_err(ERR_SYNTAX, duration_parse(SPAN_LIT("1s\0"), &ms));
    assert_err(ERR_SYNTAX, duration_parse((struct span){NULL, 0}, &ms));
}

static void limits(void **state)
{
    uint64_t ms;
    assert_true(parsed("9223372036854775807ms") == INT64_MAX);
    assert_err(ERR_RANGE, duration_parse(SPAN_LIT("9223372036854775808ms"), &ms));
    assert_err(ERR_RANGE, duration_parse(SPAN_LIT("9223372036854775807s"), &ms));
    assert_err(ERR_RANGE, duration_parse(SPAN_LIT("99999999999999999999d"), &ms));
    assert_true(parsed("106751991167d") == 106751991167 * DURATION_DAY);
    assert_err(ERR_RANGE, duration_parse(SPAN_LIT("106751991168d"), &ms));
}

static void texts_are_short_and_exact(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {
        {0, "0s"},         {1, "1ms"},         {1500, "1500ms"},
        {1000, "1s"},      {90000, "90s"},     {60000, "1m"},
        {3600000, "1h"},   {5400000, "90m"},   {86400000, "1d"},
        {604800000, "7d"}, {129600000, "36h"}, {INT64_MAX, "9223372036854775807ms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[DURATION_TEXT_MAX];
        assert_string_equal(duration_text(cases[i].ms, text), cases[i].text);
        assert_true(parsed(text) == cases[i].ms);
    }
    char text[DURATION_TEXT_MAX];
    assert_string_equal(duration_text(UINT64_MAX, text), "18446744073709551615ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units),
        cmocka_unit_test(malformed),
        cmocka_unit_test(limits),
        cmocka_unit_test(texts_are_short_and_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
