#include "core/arena.h"

#include "support/test.h"

static bool lies_in(const void *p, const char *room, size_t size)
{
    return (const char *)p >= room && (const char *)p < room + size;
}

static void the_owners_block_comes_first(void **state)
{
    char room[256];
    struct arena a;
    arena_init(&a, room, sizeof room, 0);
    void *p = arena_alloc(&a, 100);
    assert_true(lies_in(p, room, sizeof room));
    memset(p, 1, 100);
    assert_int_equal(a.held, 0);

    /* No heap is allowed: what does not fit fails, what fits still comes. */
    assert_null(arena_alloc(&a, 1000));
    assert_non_null(arena_alloc(&a, 16));
    arena_deinit(&a);
}

static void allocations_are_aligned(void **state)
{
    _Alignas(max_align_t) char room[257];
    struct arena a;
    arena_init(&a, room + 1, sizeof room - 1, 65536);
    for (size_t size = 0; size < 200; size++) {
        char *p = (char *)arena_alloc(&a, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        memset(p, 0x5a, size);
        assert_span(arena_copy(&a, SPAN_LIT("x")), "x");
    }
    arena_deinit(&a);
}

static void padding_counts(void **state)
{
    char room[64];
    for (size_t offset = 0; offset < 16; offset++) {
        for (size_t size = 0; size < 48; size++) {
            struct arena a;
            arena_init(&a, room + offset, size, 0);
            char *p = (char *)arena_alloc(&a, 16);
            assert_true(!p || (p >= room + offset && p + 16 <= room + offset + size));
            assert_true(p || size < 31);
            arena_deinit(&a);
        }
    }
}

static void without_a_block_and_with_nothing(void **state)
{
    struct arena a;
    arena_init(&a, NULL, 0, 0);
    assert_null(arena_alloc(&a, 0));
    assert_null(arena_alloc(&a, 1));
    assert_null(arena_copy(&a, SPAN_LIT("a")).p);
    assert_null(arena_strz(&a, SPAN_LIT("")));
    assert_null(arena_copy_lower(&a, SPAN_LIT("A")).p);
    assert_null(arena_join(&a, &SPAN_LIT("a"), 1).p);
    assert_null(arena_printf(&a, "%d", 1).p);
    assert_null(arena_u64(&a, 1).p);
    assert_non_null(arena_copy(&a, (struct span){NULL, 0}).p);
    assert_non_null(arena_copy_lower(&a, (struct span){NULL, 0}).p);
    assert_non_null(arena_join(&a, NULL, 0).p);
    arena_deinit(&a);
}

static void the_ceiling_holds(void **state)
{
    struct arena a;
    arena_init(&a, NULL, 0, 10000);
    size_t got = 0;
    while (arena_alloc(&a, 100))
        got += 100;
    assert_true(a.held <= 10000);
    /* Headers and padding take a little. */
    assert_true(got >= 8500);

    arena_reset(&a);
    assert_int_equal(a.held, 0);
    assert_non_null(arena_alloc(&a, 9000));
    assert_null(arena_alloc(&a, 9000));
    arena_deinit(&a);
}

static void a_ceiling_below_a_block(void **state)
{
    struct arena a;
    arena_init(&a, NULL, 0, 200);
    assert_non_null(arena_alloc(&a, 50));
    assert_non_null(arena_alloc(&a, 50));
    assert_true(a.held <= 200);
    assert_null(arena_alloc(&a, 150));
    arena_deinit(&a);
}

static void sizes_that_overflow(void **state)
{
    char room[64];
    struct arena a;
    arena_init(&a, room, sizeof room, SIZE_MAX);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    assert_null(arena_strz(&a, (struct span){"", SIZE_MAX}));
    const struct span parts[] = {{"", SIZE_MAX}, {"", 2}};
    assert_null(arena_join(&a, parts, 2).p);
    assert_int_equal(a.held, 0);
    arena_deinit(&a);
}

/* Something big must not waste the room that is left in the current block. */
static void a_big_piece_leaves_the_current_block(void **state)
{
    struct arena a;
    arena_init(&a, NULL, 0, 1 << 20);
    char *first = (char *)arena_alloc(&a, 16);
    size_t held = a.held;
    assert_non_null(arena_alloc(&a, 100000));
    size_t held_with_big = a.held;
    assert_true(held_with_big > held);
    assert_ptr_equal(arena_alloc(&a, 16), first + 16);
    assert_int_equal(a.held, held_with_big);
    arena_deinit(&a);
}

static void reset_starts_over(void **state)
{
    char room[64];
    struct arena a;
    arena_init(&a, room, sizeof room, 100000);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 500; i++)
            assert_span(arena_printf(&a, "text %s", "number"), "text number");
        assert_true(a.held > 0);
        arena_reset(&a);
        assert_int_equal(a.held, 0);
        assert_true(lies_in(arena_copy(&a, SPAN_LIT("x")).p, room, sizeof room));
    }
    arena_deinit(&a);
}

static void numbers(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, NULL, 0, 10000);
    assert_span(arena_u64(&a, 0), "0");
    assert_span(arena_u64(&a, 9), "9");
    assert_span(arena_u64(&a, 10), "10");
    assert_span(arena_u64(&a, 1234567), "1234567");
    assert_span(arena_u64(&a, UINT64_MAX), "18446744073709551615");
    arena_deinit(&a);
}

static void texts(void **state)
{
    char room[16];
    struct arena a;
    arena_init(&a, room, sizeof room, 65536);
    assert_span(arena_copy(&a, SPAN_LIT("aBc")), "aBc");
    assert_span(arena_copy_lower(&a, SPAN_LIT("AbC")), "abc");
    assert_string_equal(arena_strz(&a, SPAN_LIT("ab")), "ab");
    assert_string_equal(arena_strz(&a, (struct span){NULL, 0}), "");

    const struct span parts[] = {SPAN_LIT("a"), {NULL, 0}, SPAN_LIT("bc")};
    assert_span(arena_join(&a, parts, 3), "abc");
    assert_span(arena_join(&a, parts + 1, 1), "");
    arena_deinit(&a);
}

static void printf_at_the_edge_of_a_block(void **state)
{
    /* Room for the text, for it and its terminator, and for neither. */
    for (size_t size = 1; size < 12; size++) {
        char room[12];
        struct arena a;
        arena_init(&a, room, size, 65536);
        struct span s = arena_printf(&a, "%s", "12345");
        assert_span(s, "12345");
        assert_int_equal(s.p[5], '\0');
        assert_int_equal(lies_in(s.p, room, sizeof room), size >= 6);
        assert_span(arena_printf(&a, "%s", ""), "");
        arena_deinit(&a);
    }
}

static void must_alloc_beyond(void *arg)
{
    arena_must_alloc((struct arena *)arg, 1000);
}

static void must_alloc_dies_at_the_ceiling(void **state)
{
    struct arena a;
    arena_init(&a, NULL, 0, 500);
    assert_non_null(arena_must_alloc(&a, 100));
    assert_true(test_aborts(must_alloc_beyond, &a));
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owners_block_comes_first),
        cmocka_unit_test(allocations_are_aligned),
        cmocka_unit_test(padding_counts),
        cmocka_unit_test(without_a_block_and_with_nothing),
        cmocka_unit_test(the_ceiling_holds),
        cmocka_unit_test(a_ceiling_below_a_block),
        cmocka_unit_test(sizes_that_overflow),
        cmocka_unit_test(a_big_piece_leaves_the_current_block),
        cmocka_unit_test(reset_starts_over),
        cmocka_unit_test(numbers),
        cmocka_unit_test(texts),
        cmocka_unit_test(printf_at_the_edge_of_a_block),
        cmocka_unit_test(must_alloc_dies_at_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
