#include "core/log_line.h"

#include "core/mem.h"
#include "support/test.h"

#define WALL_MS 1777629600123
#define TEXT_HEAD "2026-05-01T10:00:00.123Z INFO e"
#define JSON_HEAD "{\"time\":\"2026-05-01T10:00:00.123Z\",\"level\":\"INFO\",\"event\":\"e\""

static struct log_line line;

static struct span build(bool json, const struct log_field *fields, size_t n)
{
    log_line_begin(&line, json, WALL_MS, LOG_INFO, "e");
    for (size_t i = 0; i < n; i++)
        log_line_field(&line, &fields[i]);
    log_line_end(&line);
    return span_of(line.text, line.len);
}

static struct span build_value(bool json, struct span value)
{
    return build(json, &LOG_SPAN("k", value), 1);
}

#define assert_text(value, literal)                                                                \
    assert_span(build_value(false, value), TEXT_HEAD " k=" literal "\n")
#define assert_json(value, literal)                                                                \
    assert_span(build_value(true, value), JSON_HEAD ",\"k\":\"" literal "\"}\n")

static void fields_of_every_kind(void **state)
{
    const struct log_field fields[] = {LOG_S("name", "x"), LOG_I("i", INT64_MIN),
                                       LOG_U("u", UINT64_MAX), LOG_ERRNO(2)};
    assert_span(build(false, fields, ARRAY_LEN(fields)),
                TEXT_HEAD " name=x i=-9223372036854775808 u=18446744073709551615"
                          " error=\"No such file or directory\"\n");
    assert_span(build(true, fields, ARRAY_LEN(fields)),
                JSON_HEAD ",\"name\":\"x\",\"i\":-9223372036854775808,\"u\":18446744073709551615"
                          ",\"error\":\"No such file or directory\"}\n");
    assert_span(build(false, NULL, 0), TEXT_HEAD "\n");
    assert_span(build(true, NULL, 0), JSON_HEAD "}\n");
}

static void levels(void **state)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        log_line_begin(&line, false, WALL_MS, (enum log_level)level, "e");
        assert_int_equal(span_chr(span_of(line.text, line.len), names[level][0]), 25);
        assert_memory_equal(line.text + 25, names[level], strlen(names[level]));
    }
}

static void text_values(void **state)
{
    assert_text(SPAN_LIT("plain/value:1,[2]"), "plain/value:1,[2]");
    assert_text(SPAN_LIT(""), "\"\"");
    assert_text(((struct span){NULL, 0}), "\"\"");
    assert_text(SPAN_LIT("two words"), "\"two words\"");
    assert_text(SPAN_LIT("a=b"), "\"a=b\"");
    assert_text(SPAN_LIT("a\"b\\c"), "\"a\\\"b\\\\c\"");
    /* No value ends the line or drives the terminal. */
    assert_text(SPAN_LIT("a\r\n\tb"), "\"a\\r\\n\\tb\"");
    assert_text(SPAN_LIT("\x1b[31m\0\x7f"), "\"\\x1b[31m\\x00\\x7f\"");
    assert_text(SPAN_LIT("\xc2\x9b"), "\"\\xc2\\x9b\"");
}

static void json_values(void **state)
{
    assert_json(SPAN_LIT("a=b c"), "a=b c");
    assert_json(((struct span){NULL, 0}), "");
    assert_json(SPAN_LIT("a\"b\\c\r\n\t"), "a\\\"b\\\\c\\r\\n\\t");
    assert_json(SPAN_LIT("\0\x1b\x7f"), "\\u0000\\u001b\\u007f");
}

static void json_is_utf8(void **state)
{
    assert_json(SPAN_LIT("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
                "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
    assert_json(SPAN_LIT("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"),
                "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80");
    assert_json(SPAN_LIT("a\xff"), "a\\ufffd");
    /* Cut off at the end, a lone continuation, overlong, a surrogate, above U+10FFFF. */
    assert_json(SPAN_LIT("\xe2\x82"), "\\ufffd\\ufffd");
    assert_json(SPAN_LIT("\x80"), "\\ufffd");
    assert_json(SPAN_LIT("\xc0\xaf"), "\\ufffd\\ufffd");
    assert_json(SPAN_LIT("\xe0\x80\x80"), "\\ufffd\\ufffd\\ufffd");
    assert_json(SPAN_LIT("\xf0\x80\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");
    assert_json(SPAN_LIT("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");
    assert_json(SPAN_LIT("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");
    assert_json(SPAN_LIT("\xe2\x28\xa1"), "\\ufffd(\\ufffd");
    assert_json(SPAN_LIT("\xe2\x82\x28"), "\\ufffd\\ufffd(");
}

/* A line may be cut, but what is left of it is a whole line that says so. */
static void assert_cut_or_whole(bool json, struct span s)
{
    assert_true(s.len <= PIPE_BUF);
    assert_int_equal(span_chr(s, '\n'), s.len - 1);
    bool whole = span_ends(s, json ? SPAN_LIT("\"n\":12345,\"s\":\"x y\"}\n")
                                   : SPAN_LIT(" n=12345 s=\"x y\"\n"));
    bool cut = span_ends(s,
                         json ? SPAN_LIT("\"truncated\":true}\n") : SPAN_LIT(" truncated=true\n"));
    assert_true(whole != cut);
    assert_int_equal(cut, line.cut);
    /* In text, as many quotes as open a value close one: none of the values here has any inside. */
    size_t quotes = 0;
    for (size_t i = 0; i < s.len; i++)
        quotes += s.p[i] == '"';
    assert_int_equal(quotes % 2, 0);
}

/* The first value decides at which byte the second one has to stop. */
static struct span build_long(bool json, size_t first_len, struct span second)
{
    static char first[PIPE_BUF];
    memset(first, 'a', sizeof first);
    const struct log_field fields[] = {LOG_SPAN("first", span_of(first, first_len)),
                                       LOG_SPAN("second", second), LOG_U("n", 12345),
                                       LOG_S("s", "x y")};
    return build(json, fields, ARRAY_LEN(fields));
}

static void a_value_is_cut_between_characters(void **state)
{
    static const char *const pieces[] = {"a", "\n", "\x01", "\xe2\x82\xac", "\xff", "a b "};
    static char value[2 * PIPE_BUF];
    for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
        for (size_t i = 0; i < sizeof value; i++)
            value[i] = pieces[p][i % strlen(pieces[p])];
        for (size_t first_len = 0; first_len < 20; first_len++) {
            for (int json = 0; json < 2; json++) {
                struct span s = build_long(json, first_len, span_of(value, sizeof value));
                assert_true(line.cut);
                assert_cut_or_whole(json, s);
                assert_true(s.len > PIPE_BUF - 32);
            }
        }
    }
}

static void fields_that_find_no_room_are_left_out(void **state)
{
    size_t cuts = 0;
    for (size_t first_len = PIPE_BUF - 300; first_len < PIPE_BUF; first_len++) {
        for (int json = 0; json < 2; json++) {
            struct span s = build_long(json, first_len, SPAN_LIT("two words"));
            assert_cut_or_whole(json, s);
            /* No half number, no key without a value. */
            assert_false(span_ends(s, SPAN_LIT("= truncated=true\n")));
            assert_false(span_ends(s, SPAN_LIT("n=1234 truncated=true\n")));
            assert_false(span_ends(s, SPAN_LIT(":,\"truncated\":true}\n")));
            cuts += line.cut;
        }
    }
    assert_in_range(cuts, 200, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_every_kind),
        cmocka_unit_test(levels),
        cmocka_unit_test(text_values),
        cmocka_unit_test(json_values),
        cmocka_unit_test(json_is_utf8),
        cmocka_unit_test(a_value_is_cut_between_characters),
        cmocka_unit_test(fields_that_find_no_room_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
