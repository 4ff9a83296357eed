#include "core/buf.h"

#include "support/test.h"

static void nothing_is_held_at_first(void **state)
{
    struct buf b;
    buf_init(&b, 100);
    assert_null(b.base);
    assert_span(buf_span(&b), "");
    assert_int_equal(buf_len(&b), 0);
    assert_int_equal(buf_room(&b), 100);
    buf_clear(&b);
    buf_consume(&b, 0);
    buf_release(&b);
    assert_ok(buf_append(&b, (struct span){NULL, 0}));
    assert_ok(buf_printf(&b, "%s", ""));
    assert_null(b.base);
    buf_deinit(&b);
}

static void a_small_ceiling_takes_little(void **state)
{
    struct buf b;
    buf_init(&b, 5);
    assert_ok(buf_append(&b, SPAN_LIT("abc")));
    assert_int_equal(b.size, 5);
    assert_ok(buf_printf(&b, "%d", 42));
    assert_span(buf_span(&b), "abc42");
    assert_int_equal(buf_room(&b), 0);

    assert_err(ERR_FULL, buf_append(&b, SPAN_LIT("x")));
    assert_err(ERR_FULL, buf_printf(&b, "x"));
    size_t room;
    assert_null(buf_reserve(&b, 1, &room));
    assert_int_equal(room, 0);
    assert_span(buf_span(&b), "abc42");

    /* At the ceiling the content moves to make room. */
    buf_consume(&b, 1);
    assert_ok(buf_append(&b, SPAN_LIT("x")));
    assert_span(buf_span(&b), "bc42x");
    buf_deinit(&b);
}

static void a_ceiling_of_zero(void **state)
{
    struct buf b;
    buf_init(&b, 0);
    size_t room;
    assert_err(ERR_FULL, buf_append(&b, SPAN_LIT("x")));
    assert_null(buf_reserve(&b, 1, &room));
    buf_deinit(&b);
}

static void growth_doubles_up_to_the_ceiling(void **state)
{
    struct buf b;
    buf_init(&b, 10000);
    assert_ok(buf_append(&b, SPAN_LIT("x")));
    assert_int_equal(b.size, 4096);
    size_t room;
    assert_non_null(buf_reserve(&b, 4096, &room));
    assert_int_equal(b.size, 8192);
    assert_int_equal(room, 8191);
    assert_non_null(buf_reserve(&b, 9999, &room));
    assert_int_equal(b.size, 10000);
    assert_int_equal(room, 9999);
    assert_null(buf_reserve(&b, 10000, &room));
    assert_null(buf_reserve(&b, SIZE_MAX, &room));
    assert_span(buf_span(&b), "x");
    buf_deinit(&b);
}

/* The terminator's byte must not make the size of the storage overflow. */
static void the_largest_ceiling(void **state)
{
    struct buf b;
    buf_init(&b, SIZE_MAX);
    size_t room;
    assert_null(buf_reserve(&b, SIZE_MAX, &room));
    assert_ok(buf_append(&b, SPAN_LIT("x")));
    assert_int_equal(b.size, 4096);
    assert_null(buf_reserve(&b, SIZE_MAX, &room));
    assert_span(buf_span(&b), "x");
    buf_deinit(&b);
}

static void reserve_and_commit(void **state)
{
    struct buf b;
    buf_init(&b, 64);
    size_t room;
    char *at = buf_reserve(&b, 0, &room);
    assert_non_null(at);
    assert_int_equal(room, 64);
    memcpy(at, "hello", 5);
    buf_commit(&b, 5);
    assert_span(buf_span(&b), "hello");
    assert_ptr_equal(buf_reserve(&b, 59, &room), at + 5);
    assert_int_equal(room, 59);
    buf_commit(&b, 0);
    assert_span(buf_span(&b), "hello");
    buf_deinit(&b);
}

/* A stream through a buffer that always holds a little must not make it grow without end. */
static void a_queue_stays_small(void **state)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    uint8_t in = 0, out = 0;
    for (int i = 0; i < 100000; i++) {
        size_t room;
        char *at = buf_reserve(&b, 7, &room);
        for (int k = 0; k < 7; k++)
            at[k] = (char)in++;
        buf_commit(&b, 7);
        if (i < 300)
            continue;
        for (int k = 0; k < 7; k++)
            assert_int_equal((uint8_t)buf_span(&b).p[k], out++);
        buf_consume(&b, 7);
    }
    assert_true(b.size <= 8192);
    buf_deinit(&b);
}

static void release_frees_only_the_empty(void **state)
{
    struct buf b;
    buf_init(&b, 1000);
    assert_ok(buf_append(&b, SPAN_LIT("ab")));
    buf_consume(&b, 1);
    buf_release(&b);
    assert_span(buf_span(&b), "b");
    buf_consume(&b, 1);
    assert_non_null(b.base);
    assert_int_equal(b.head, 0);
    buf_release(&b);
    assert_null(b.base);
    assert_int_equal(buf_room(&b), 1000);
    assert_ok(buf_append(&b, SPAN_LIT("again")));
    buf_clear(&b);
    assert_non_null(b.base);
    assert_int_equal(buf_len(&b), 0);
    buf_deinit(&b);
}

static void printf_fills_the_last_byte(void **state)
{
    for (size_t ceiling = 4; ceiling < 8; ceiling++) {
        struct buf b;
        buf_init(&b, ceiling);
        enum err e = buf_printf(&b, "%s:%d", "abc", 7);
        assert_int_equal(e, ceiling < 5 ? ERR_FULL : ERR_OK);
        assert_int_equal(buf_len(&b), ceiling < 5 ? 0 : 5);
        buf_deinit(&b);
    }
}

static void consume_too_much(void *arg)
{
    buf_consume((struct buf *)arg, 3);
}

static void commit_too_much(void *arg)
{
    buf_commit((struct buf *)arg, 9);
}

static void more_than_there_is_is_a_bug(void **state)
{
    struct buf b;
    buf_init(&b, 10);
    assert_ok(buf_append(&b, SPAN_LIT("ab")));
    assert_true(test_aborts(consume_too_much, &b));
    assert_true(test_aborts(commit_too_much, &b));
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_held_at_first),
        cmocka_unit_test(a_small_ceiling_takes_little),
        cmocka_unit_test(a_ceiling_of_zero),
        cmocka_unit_test(growth_doubles_up_to_the_ceiling),
        cmocka_unit_test(the_largest_ceiling),
        cmocka_unit_test(reserve_and_commit),
        cmocka_unit_test(a_queue_stays_small),
        cmocka_unit_test(release_frees_only_the_empty),
        cmocka_unit_test(printf_fills_the_last_byte),
        cmocka_unit_test(more_than_there_is_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
