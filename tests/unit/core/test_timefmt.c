#include "core/timefmt.h"

#include <stdio.h>
#include <time.h>

#include "support/test.h"

static void rfc3339(void **state)
{
    char text[TIMEFMT_MAX];
    assert_string_equal(timefmt_rfc3339(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(timefmt_rfc3339(-1, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(timefmt_rfc3339(1777629600123, text), "2026-05-01T10:00:00.123Z");
    assert_string_equal(timefmt_rfc3339_seconds(1777629600999, text), "2026-05-01T10:00:00Z");
    assert_string_equal(timefmt_rfc3339(951782400000, text), "2000-02-29T00:00:00.000Z");
    assert_string_equal(timefmt_rfc3339(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    assert_string_equal(timefmt_rfc3339(INT64_MIN, text), "0000-01-01T00:00:00.000Z");
}

static void imf_fixdate(void **state)
{
    char text[TIMEFMT_MAX];
    /* The example of RFC 9110 5.6.7. */
    assert_string_equal(timefmt_imf_fixdate(784111777000, text), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_string_equal(timefmt_imf_fixdate(0, text), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_string_equal(timefmt_imf_fixdate(-86400000, text), "Wed, 31 Dec 1969 00:00:00 GMT");
}

/* Every 100 hours or so from 0000 to 9999, against the C library. */
static void as_the_c_library_has_it(void **state)
{
    for (int64_t s = -62167219200; s <= 253402300799; s += 360061) {
        struct tm tm;
        time_t t = (time_t)s;
        char expected[64], text[TIMEFMT_MAX];
        assert_non_null(gmtime_r(&t, &tm));
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(timefmt_rfc3339_seconds(s * 1000, text), expected);

        int64_t ms = 1;
        assert_ok(timefmt_rfc3339_parse(span_str(text), &ms));
        assert_true(ms == s * 1000);

        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        if (tm.tm_year >= -900) /* strftime does not fill %Y */
            assert_string_equal(timefmt_imf_fixdate(s * 1000, text), expected);
    }
}

static void expect_parsed(const char *text, int64_t expected)
{
    int64_t ms = 1;
    assert_ok(timefmt_rfc3339_parse(span_str(text), &ms));
    assert_true(ms == expected);
}

static void forms_that_are_read(void **state)
{
    expect_parsed("1970-01-01T00:00:00Z", 0);
    expect_parsed("1970-01-01t00:00:00z", 0);
    expect_parsed("1970-01-01T00:00:00.5Z", 500);
    expect_parsed("1970-01-01T00:00:00.123456789123456789Z", 123);
    expect_parsed("1969-12-31T23:59:59.999Z", -1);
    expect_parsed("0000-01-01T00:00:00Z", -62167219200000);
    expect_parsed("9999-12-31T23:59:59.999Z", 253402300799999);
    expect_parsed("2000-02-29T00:00:00Z", 951782400000);
}

static void expect_refused(enum err e, const char *text)
{
    int64_t ms = 77;
    assert_err(e, timefmt_rfc3339_parse(span_str(text), &ms));
    assert_int_equal(ms, 77);
}

static void forms_that_are_refused(void **state)
{
    static const char *const malformed[] = {
        "",
        "2026",
        "2026-05-01",
        "2026-05-01T10:00Z",
        "2026-05-01 10:00:00Z",
        "2026-05-01T10:00:00",
        "2026-05-01T10:00:00.Z",
        "2026-05-01T10:00:00,5Z",
        "2026-5-01T10:00:00Z",
        "+026-05-01T10:00:00Z",
        "2026-05-01T10:00:00Zx",
        "2026-05-01T10:00:00ZZ",
        "2026-05-01T10:00:00+0200",
        "2026-05-01T10:00:00+02:00x",
        " 2026-05-01T10:00:00Z",
        "12026-05-01T10:00:00Z",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        expect_refused(ERR_SYNTAX, malformed[i]);

    static const char *const out_of_range[] = {
        "2026-00-01T10:00:00Z", "2026-13-01T10:00:00Z", "2026-05-00T10:00:00Z",
        "2026-04-31T10:00:00Z", "2026-02-29T10:00:00Z", "1900-02-29T10:00:00Z",
        "2026-05-01T24:00:00Z", "2026-05-01T10:60:00Z", "2026-05-01T10:00:61Z",
    };
    for (size_t i = 0; i < sizeof out_of_range / sizeof out_of_range[0]; i++)
        expect_refused(ERR_RANGE, out_of_range[i]);

    expect_refused(ERR_UNSUPPORTED, "2026-05-01T10:00:00+02:00");
    expect_refused(ERR_UNSUPPORTED, "2026-05-01T10:00:00.1-02:00");
    expect_refused(ERR_UNSUPPORTED, "2016-12-31T23:59:60Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3339),
        cmocka_unit_test(imf_fixdate),
        cmocka_unit_test(as_the_c_library_has_it),
        cmocka_unit_test(forms_that_are_read),
        cmocka_unit_test(forms_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
