#include "core/random.h"

#include "support/test.h"

static void bytes_are_filled_and_differ(void **state)
{
    /* More than the kernel gives in one piece when a signal comes. */
    static uint8_t a[100000], b[100000];
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a + sizeof a - 32, b + sizeof b - 32, 32);
    random_bytes(NULL, 0);
}

static void below_is_below(void **state)
{
    bool seen[3] = {false};
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(random_u32_below(1), 0);
        uint32_t n = random_u32_below(3);
        assert_true(n < 3);
        seen[n] = true;
        assert_true(random_u32_below(UINT32_MAX) < UINT32_MAX);
        assert_true(random_u32_below(0x80000001) <= 0x80000000);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
}

static void below_zero(void *arg)
{
    (void)arg;
    random_u32_below(0);
}

static void below_zero_is_a_bug(void **state)
{
    assert_true(test_aborts(below_zero, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_filled_and_differ),
        cmocka_unit_test(below_is_below),
        cmocka_unit_test(below_zero_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
