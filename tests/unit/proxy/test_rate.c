/* The leaky measure of slow peers, with time as it is told. */
#include "proxy/front/rate.h"

#include "support/test.h"

static const struct rate_limit limit = {.bytes_per_s = 100, .grace_ms = 10000};

static struct rate due_at(uint64_t now)
{
    struct rate r;
    rate_init(&r, &limit);
    rate_set_due(&r, now, true);
    return r;
}

static void silence_takes_the_grace(void **state)
{
    struct rate r = due_at(5000);
    assert_int_equal(rate_left_ms(&r, &limit, 5000), 10000);
    assert_int_equal(rate_left_ms(&r, &limit, 14999), 1);
    assert_int_equal(rate_left_ms(&r, &limit, 15000), 0);
    assert_int_equal(rate_left_ms(&r, &limit, 99999), 0);
}

static void the_least_rate_lasts_for_ever(void **state)
{
    struct rate r = due_at(0);
    for (uint64_t now = 1000; now < 10000000; now += 1000) {
        assert_true(rate_left_ms(&r, &limit, now) > 0);
        rate_moved(&r, &limit, 100);
    }
    /* In bursts, too, as long as no pause is longer than the grace. */
    for (uint64_t now = 10000000; now < 20000000; now += 9000) {
        assert_true(rate_left_ms(&r, &limit, now) > 0);
        rate_moved(&r, &limit, 900);
    }
}

static void a_trickle_is_found_out(void **state)
{
    struct rate r = due_at(0);
    uint64_t now = 0;
    for (; rate_left_ms(&r, &limit, now) > 0; now += 1000)
        rate_moved(&r, &limit, 50);
    assert_in_range(now, 19000, 21000); /* grace * 100 / (100 - 50) */

    r = due_at(0);
    for (now = 0; rate_left_ms(&r, &limit, now) > 0; now += 1000)
        rate_moved(&r, &limit, 1);
    assert_in_range(now, 10000, 11000);
}

static void nobody_saves_more_than_the_grace(void **state)
{
    struct rate r = due_at(0);
    rate_moved(&r, &limit, 1000000);
    rate_moved(&r, &limit, UINT64_MAX);
    assert_int_equal(rate_left_ms(&r, &limit, 0), 10000);
    assert_int_equal(rate_left_ms(&r, &limit, 10000), 0);
}

static void time_stands_while_nothing_is_due(void **state)
{
    struct rate r;
    rate_init(&r, &limit);
    assert_true(rate_left_ms(&r, &limit, 1000000) == RATE_NEVER);
    rate_set_due(&r, 1000000, true);
    rate_set_due(&r, 1004000, false);
    assert_true(rate_left_ms(&r, &limit, 1004000) == RATE_NEVER);
    rate_set_due(&r, 9000000, true);
    assert_int_equal(rate_left_ms(&r, &limit, 9000000), 6000);
    rate_set_due(&r, 9001000, true); /* said again it begins nothing anew */
    assert_int_equal(rate_left_ms(&r, &limit, 9001000), 5000);
}

static void without_a_limit(void **state)
{
    const struct rate_limit none = {.bytes_per_s = 0, .grace_ms = 10000};
    struct rate r;
    rate_init(&r, &none);
    rate_set_due(&r, 0, true);
    rate_moved(&r, &none, 1);
    assert_true(rate_left_ms(&r, &none, 1000000) == RATE_NEVER);
}

static void the_largest_limits(void **state)
{
    const struct rate_limit most = {.bytes_per_s = 1000000000, .grace_ms = 24 * 3600 * 1000};
    struct rate r;
    rate_init(&r, &most);
    rate_set_due(&r, 0, true);
    assert_int_equal(rate_left_ms(&r, &most, 86400000 - 1000), 1000);
    rate_moved(&r, &most, 500000000);
    assert_int_equal(rate_left_ms(&r, &most, 86400000 - 1000), 1500);
    rate_moved(&r, &most, UINT64_MAX);
    assert_int_equal(rate_left_ms(&r, &most, 86400000 - 1000), 86400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_takes_the_grace),
        cmocka_unit_test(the_least_rate_lasts_for_ever),
        cmocka_unit_test(a_trickle_is_found_out),
        cmocka_unit_test(nobody_saves_more_than_the_grace),
        cmocka_unit_test(time_stands_while_nothing_is_due),
        cmocka_unit_test(without_a_limit),
        cmocka_unit_test(the_largest_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
