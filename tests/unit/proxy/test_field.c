#include "proxy/head/chars.h"
#include "proxy/head/field.h"
#include "support/test.h"

static struct arena arena;

static int setup(void **state)
{
    arena_init(&arena, NULL, 0, 256 * 1024);
    return 0;
}

static int teardown(void **state)
{
    arena_deinit(&arena);
    return 0;
}

static void add(struct fields *f, const char *name, const char *value)
{
    struct span n = span_str(name);
    assert_ok(fields_add(f, &arena, field_lookup(n), n, span_str(value)));
}

static void test_every_name_is_found(void **state)
{
    for (enum field_id id = FIELD_OTHER + 1; id < FIELD_ID_COUNT; id++) {
        struct span name = field_name(id);
        assert_true(field_name_valid(name));
        if (field_lookup(name) != id)
            fail_msg("%.*s is missing in by_length", SPAN_ARG(name));
    }
}

static void test_names_are_sorted(void **state)
{
    for (enum field_id id = FIELD_OTHER + 2; id < FIELD_ID_COUNT; id++)
        assert_true(span_cmp(field_name(id - 1), field_name(id)) < 0);
}

static void test_other_names_are_not_found(void **state)
{
    static const char *const others[] = {
        "",        "x",      "hosts",   "hos",        "HOST",
        "cookiee", "x-host", "accepts", "set-cookis", "content-lengtx"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(field_lookup(span_str(others[i])), FIELD_OTHER);
    /* Any name with one character changed, or one more. */
    for (enum field_id id = FIELD_OTHER + 1; id < FIELD_ID_COUNT; id++) {
        char name[64];
        struct span s = field_name(id);
        for (size_t i = 0; i < s.len; i++) {
            memcpy(name, s.p, s.len);
            name[i] = '!';
            assert_int_equal(field_lookup(span_of(name, s.len)), FIELD_OTHER);
        }
        memcpy(name, s.p, s.len);
        name[s.len] = 'e';
        assert_int_equal(field_lookup(span_of(name, s.len + 1)), FIELD_OTHER);
    }
}

static void test_lines_keep_their_order(void **state)
{
    struct fields f = {0};
    add(&f, "set-cookie", "a");
    add(&f, "x-a", "1");
    add(&f, "set-cookie", "b");
    add(&f, "via", "v");
    add(&f, "set-cookie", "");
    assert_int_equal(f.n, 5);
    assert_int_equal(f.bytes, 10 + 1 + 3 + 1 + 10 + 1 + 3 + 1 + 10 + 0 + 5 * 32);
    assert_int_equal(fields_count(&f, FIELD_SET_COOKIE), 3);
    assert_ptr_equal(fields_find(&f, FIELD_SET_COOKIE), &f.v[0]);
    assert_null(fields_find(&f, FIELD_HOST));

    fields_remove(&f, FIELD_SET_COOKIE);
    assert_int_equal(f.n, 2);
    assert_span(f.v[0].name, "x-a");
    assert_span(f.v[1].name, "via");
    assert_int_equal(f.bytes, 3 + 1 + 3 + 1 + 2 * 32);
}

static void test_a_line_is_set(void **state)
{
    struct fields f = {0};
    add(&f, "x-a", "1");
    add(&f, "via", "one");
    add(&f, "via", "two");
    add(&f, "x-b", "2");
    assert_ok(fields_set(&f, &arena, FIELD_VIA, SPAN_LIT("three")));
    assert_int_equal(f.n, 3);
    assert_span(f.v[1].value, "three");
    assert_span(f.v[2].name, "x-b");
    assert_int_equal(f.bytes, 4 + 8 + 4 + 3 * 32);
    assert_ok(fields_set(&f, &arena, FIELD_VARY, SPAN_LIT("*")));
    assert_int_equal(f.n, 4);
    assert_span(f.v[3].name, "vary");
}

static bool is_via(const struct field *f, void *ctx)
{
    ++*(int *)ctx;
    return f->id == FIELD_VIA;
}

static void test_lines_are_removed_by_condition(void **state)
{
    struct fields f = {0};
    add(&f, "via", "1");
    add(&f, "x", "2");
    add(&f, "via", "3");
    int asked = 0;
    fields_remove_if(&f, is_via, &asked);
    assert_int_equal(asked, 3);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.bytes, 34);
}

static void test_there_is_a_ceiling(void **state)
{
    struct fields f = {0};
    for (size_t i = 0; i < FIELDS_MAX; i++)
        add(&f, "x", "y");
    assert_err(ERR_FULL, fields_add(&f, &arena, FIELD_OTHER, SPAN_LIT("x"), SPAN_LIT("y")));
    assert_err(ERR_FULL, fields_add_id(&f, &arena, FIELD_VIA, SPAN_LIT("y")));
    /* What we say ourselves still fits. */
    assert_ok(fields_set(&f, &arena, FIELD_VIA, SPAN_LIT("y")));
    assert_int_equal(f.n, FIELDS_MAX + 1);
}

static void test_a_full_arena_is_an_error(void **state)
{
    struct arena full;
    struct fields f = {0};
    arena_init(&full, NULL, 0, 0);
    assert_err(ERR_FULL, fields_add_id(&f, &full, FIELD_VIA, SPAN_LIT("y")));
    assert_int_equal(f.n, 0);
    arena_deinit(&full);
}

static void test_values_are_joined(void **state)
{
    struct fields f = {0};
    assert_null(fields_join(&f, FIELD_COOKIE, SPAN_LIT("; "), &arena).p);
    add(&f, "cookie", "a=1");
    assert_span(fields_join(&f, FIELD_COOKIE, SPAN_LIT("; "), &arena), "a=1");
    add(&f, "x", "y");
    add(&f, "cookie", "b=2");
    add(&f, "cookie", "c=3");
    assert_span(fields_join(&f, FIELD_COOKIE, SPAN_LIT("; "), &arena), "a=1; b=2; c=3");
}

static void test_lists(void **state)
{
    struct fields f = {0};
    add(&f, "connection", "Keep-Alive, ,X-Foo ,");
    add(&f, "connection", "\tUPGRADE");
    assert_true(fields_list_has(&f, FIELD_CONNECTION, SPAN_LIT("keep-alive")));
    assert_true(fields_list_has(&f, FIELD_CONNECTION, SPAN_LIT("x-foo")));
    assert_true(fields_list_has(&f, FIELD_CONNECTION, SPAN_LIT("upgrade")));
    assert_false(fields_list_has(&f, FIELD_CONNECTION, SPAN_LIT("x-fo")));
    assert_false(fields_list_has(&f, FIELD_CONNECTION, SPAN_LIT("")));
    assert_false(fields_list_has(&f, FIELD_TE, SPAN_LIT("upgrade")));
}

static void test_names_and_values(void **state)
{
    assert_true(field_name_valid(SPAN_LIT("x-a_b.c!#$%&'*+^`|~09")));
    assert_false(field_name_valid(SPAN_LIT("")));
    assert_false(field_name_valid(SPAN_LIT("a b")));
    assert_false(field_name_valid(SPAN_LIT("a:")));
    assert_false(field_name_valid(SPAN_LIT("\xe9")));
    assert_true(field_value_valid(SPAN_LIT("")));
    assert_true(field_value_valid(SPAN_LIT("a b\tc \xe9")));
    assert_false(field_value_valid(SPAN_LIT(" a")));
    assert_false(field_value_valid(SPAN_LIT("a\t")));
    assert_false(field_value_valid(SPAN_LIT("a\r\nb: c")));
    assert_false(field_value_valid(SPAN_LIT("a\0b")));
    assert_false(field_value_valid(SPAN_LIT("a\x7f")));
}

/* The scanning loops take 16 bytes at a time: each character, at each place, in each length. */
static void test_scanning_finds_every_character(void **state)
{
    char text[48];
    for (unsigned c = 0; c < 256; c++) {
        bool good = (c >= 0x20 && c != 0x7f) || c == '\t';
        assert_int_equal(char_is_text((unsigned char)c), good);
        for (size_t len = 1; len <= sizeof text; len++) {
            for (size_t at = 0; at < len; at++) {
                memset(text, 'a', sizeof text);
                text[at] = (char)c;
                struct span s = span_of(text, len);
                assert_int_equal(chars_text_len(s), good ? len : at);
                assert_int_equal(chars_are_text(s), good);
            }
        }
    }
}

static void test_trailers(void **state)
{
    static const char *const good[] = {"grpc-status", "grpc-message", "server-timing", "x-checksum",
                                       "digest"};
    static const char *const bad[] = {"transfer-encoding",
                                      "content-length",
                                      "host",
                                      "content-type",
                                      "content-encoding",
                                      "content-range",
                                      "cookie",
                                      "set-cookie",
                                      "authorization",
                                      "connection",
                                      "te",
                                      "trailer",
                                      "upgrade",
                                      "expect",
                                      "max-forwards",
                                      "cache-control",
                                      "linkup-session",
                                      "linkup-other",
                                      "x-forwarded-for",
                                      "x-forwarded-user",
                                      "forwarded",
                                      "traceparent",
                                      "baggage",
                                      "location",
                                      "range",
                                      "if-match",
                                      "www-authenticate"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct span n = span_str(good[i]);
        struct field f = {n, n, field_lookup(n)};
        assert_true(field_fits_trailer(&f));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct span n = span_str(bad[i]);
        struct field f = {n, n, field_lookup(n)};
        if (field_fits_trailer(&f))
            fail_msg("%s is taken in a trailer", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_is_found),
        cmocka_unit_test(test_names_are_sorted),
        cmocka_unit_test(test_other_names_are_not_found),
        cmocka_unit_test(test_lines_keep_their_order),
        cmocka_unit_test(test_a_line_is_set),
        cmocka_unit_test(test_lines_are_removed_by_condition),
        cmocka_unit_test(test_there_is_a_ceiling),
        cmocka_unit_test(test_a_full_arena_is_an_error),
        cmocka_unit_test(test_values_are_joined),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_names_and_values),
        cmocka_unit_test(test_scanning_finds_every_character),
        cmocka_unit_test(test_trailers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
