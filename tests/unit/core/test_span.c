#include "core/span.h"

#include <pthread.h>

#include "support/test.h"

static const struct span nothing = {NULL, 0};

static void equality(void **state)
{
    assert_true(span_eq(nothing, SPAN_LIT("")));
    assert_true(span_eq(span_str(NULL), nothing));
    assert_false(span_eq(SPAN_LIT("a"), SPAN_LIT("A")));
    assert_true(span_eq_nocase(SPAN_LIT("aZ@[`{"), SPAN_LIT("Az@[`{")));
    assert_false(span_eq_nocase(SPAN_LIT("@"), SPAN_LIT("`")));
    assert_false(span_eq_nocase(SPAN_LIT("["), SPAN_LIT("{")));
    /* Latin-1 letters have no case here. */
    assert_false(span_eq_nocase(SPAN_LIT("\xc4"), SPAN_LIT("\xe4")));
    assert_false(span_eq_nocase(SPAN_LIT("ab"), SPAN_LIT("a")));
}

static void order(void **state)
{
    assert_int_equal(span_cmp(nothing, SPAN_LIT("")), 0);
    assert_true(span_cmp(nothing, SPAN_LIT("a")) < 0);
    assert_true(span_cmp(SPAN_LIT("ab"), SPAN_LIT("a")) > 0);
    assert_true(span_cmp(SPAN_LIT("a"), SPAN_LIT("b")) < 0);
    assert_true(span_cmp(SPAN_LIT("\xff"), SPAN_LIT("a")) > 0);
}

static void starts_and_ends(void **state)
{
    assert_true(span_starts(SPAN_LIT("abc"), SPAN_LIT("ab")));
    assert_true(span_starts(SPAN_LIT("abc"), nothing));
    assert_true(span_starts(nothing, nothing));
    assert_false(span_starts(SPAN_LIT("ab"), SPAN_LIT("abc")));
    assert_true(span_ends(SPAN_LIT("abc"), SPAN_LIT("bc")));
    assert_true(span_ends(SPAN_LIT("abc"), nothing));
    assert_false(span_ends(SPAN_LIT("bc"), SPAN_LIT("abc")));
    assert_false(span_ends(SPAN_LIT("abc"), SPAN_LIT("ab")));
}

static void search(void **state)
{
    assert_int_equal(span_chr(SPAN_LIT("a.b.c"), '.'), 1);
    assert_int_equal(span_rchr(SPAN_LIT("a.b.c"), '.'), 3);
    assert_int_equal(span_rchr(SPAN_LIT(".a"), '.'), 0);
    assert_int_equal(span_chr(SPAN_LIT("abc"), '.'), -1);
    assert_int_equal(span_rchr(SPAN_LIT("abc"), '.'), -1);
    assert_int_equal(span_chr(nothing, '.'), -1);
    assert_int_equal(span_rchr(nothing, '.'), -1);
    assert_int_equal(span_chr(SPAN_LIT("a\0b"), '\0'), 1);
}

static void parts_are_clamped(void **state)
{
    assert_span(span_from(SPAN_LIT("abc"), 1), "bc");
    assert_span(span_from(SPAN_LIT("abc"), 3), "");
    assert_span(span_from(SPAN_LIT("abc"), SIZE_MAX), "");
    assert_span(span_from(nothing, 7), "");
    assert_span(span_sub(SPAN_LIT("abc"), 1, 1), "b");
    assert_span(span_sub(SPAN_LIT("abc"), 1, SIZE_MAX), "bc");
    assert_span(span_sub(SPAN_LIT("abc"), 9, 9), "");
}

static void trim(void **state)
{
    assert_span(span_trim(SPAN_LIT(" \ta b\t ")), "a b");
    assert_span(span_trim(SPAN_LIT(" \t ")), "");
    assert_span(span_trim(SPAN_LIT("\na\r")), "\na\r");
    assert_span(span_trim(nothing), "");
}

static void split(void **state)
{
    struct span rest = SPAN_LIT("a,,b"), part;
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "a");
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "");
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "b");
    assert_false(span_split(&rest, ',', &part));

    rest = nothing;
    assert_false(span_split(&rest, ',', &part));

    /* Nothing follows a separator at the end. */
    rest = SPAN_LIT("a,");
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "a");
    assert_false(span_split(&rest, ',', &part));

    rest = SPAN_LIT(",");
    assert_true(span_split(&rest, ',', &part));
    assert_span(part, "");
    assert_false(span_split(&rest, ',', &part));
}

static void decimal(void **state)
{
    uint64_t v = 42;
    assert_ok(span_to_u64(SPAN_LIT("0"), &v));
    assert_int_equal(v, 0);
    assert_ok(span_to_u64(SPAN_LIT("18446744073709551615"), &v));
    assert_true(v == UINT64_MAX);
    assert_ok(span_to_u64(SPAN_LIT("000000000000000000000000000007"), &v));
    assert_int_equal(v, 7);

    assert_err(ERR_RANGE, span_to_u64(SPAN_LIT("18446744073709551616"), &v));
    assert_err(ERR_RANGE, span_to_u64(SPAN_LIT("99999999999999999999999"), &v));
    assert_err(ERR_SYNTAX, span_to_u64(SPAN_LIT("99999999999999999999999x"), &v));
    assert_err(ERR_SYNTAX, span_to_u64(nothing, &v));
    assert_err(ERR_SYNTAX, span_to_u64(SPAN_LIT("-1"), &v));
    assert_err(ERR_SYNTAX, span_to_u64(SPAN_LIT("+1"), &v));
    assert_err(ERR_SYNTAX, span_to_u64(SPAN_LIT(" 1"), &v));
    assert_err(ERR_SYNTAX, span_to_u64(SPAN_LIT("1\0"), &v));
    assert_err(ERR_SYNTAX, span_to_u64(SPAN_LIT("\xb1"), &v));
    assert_int_equal(v, 7);
}

static void hexadecimal(void **state)
{
    uint64_t v = 0;
    assert_ok(span_hex_u64(SPAN_LIT("aF0"), &v));
    assert_int_equal(v, 0xaf0);
    assert_ok(span_hex_u64(SPAN_LIT("ffffffffffffffff"), &v));
    assert_true(v == UINT64_MAX);
    assert_err(ERR_RANGE, span_hex_u64(SPAN_LIT("00000000000000001"), &v));
    assert_err(ERR_SYNTAX, span_hex_u64(nothing, &v));
    assert_err(ERR_SYNTAX, span_hex_u64(SPAN_LIT("0x1"), &v));
    assert_err(ERR_SYNTAX, span_hex_u64(SPAN_LIT("g"), &v));
    assert_err(ERR_SYNTAX, span_hex_u64(SPAN_LIT("@"), &v));
}

static void copy_z(void **state)
{
    char dst[4] = "xxx";
    assert_ok(span_copy_z(SPAN_LIT("abc"), dst, sizeof dst));
    assert_string_equal(dst, "abc");
    assert_ok(span_copy_z(nothing, dst, 1));
    assert_string_equal(dst, "");
    assert_err(ERR_FULL, span_copy_z(SPAN_LIT("abcd"), dst, sizeof dst));
    assert_err(ERR_FULL, span_copy_z(SPAN_LIT("a\0b"), dst, sizeof dst));
    assert_err(ERR_FULL, span_copy_z(nothing, dst, 0));
}

static void lower_case(void **state)
{
    char text[] = "AbZ@[\xc4";
    ascii_lower_in_place(text, sizeof text - 1);
    assert_string_equal(text, "abz@[\xc4");
    ascii_lower_in_place(NULL, 0);
}

static void *hash_in_thread(void *arg)
{
    *(uint64_t *)arg = span_hash(SPAN_LIT("key"));
    return NULL;
}

static void the_hash_is_one_for_all_threads(void **state)
{
    pthread_t threads[4];
    uint64_t hashes[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_in_thread, &hashes[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_true(hashes[i] == span_hash(SPAN_LIT("key")));
    assert_true(span_hash(SPAN_LIT("kez")) != hashes[0]);
    assert_true(span_hash(nothing) == span_hash(SPAN_LIT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: the threads race for the drawing of the key. */
        cmocka_unit_test(the_hash_is_one_for_all_threads),
        cmocka_unit_test(equality),
        cmocka_unit_test(order),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(search),
        cmocka_unit_test(parts_are_clamped),
        cmocka_unit_test(trim),
        cmocka_unit_test(split),
        cmocka_unit_test(decimal),
        cmocka_unit_test(hexadecimal),
        cmocka_unit_test(copy_z),
        cmocka_unit_test(lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
