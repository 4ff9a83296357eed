/* How many second attempts there are. */
#include "proxy/back/retry_budget.h"
#include "support/test.h"

#define LEAST (RETRY_LEAST_A_SECOND * 2 * RETRY_WINDOW_MS / 1000)

static unsigned take_all(struct retry_budget *b, uint64_t now)
{
    unsigned n = 0;
    while (retry_budget_take(b, now))
        assert_true(++n < 100000);
    return n;
}

static void requests(struct retry_budget *b, uint64_t now, unsigned n)
{
    while (n--)
        retry_budget_request(b, now);
}

static void a_quiet_backend_has_a_few(void **state)
{
    struct retry_budget b = {0};
    assert_int_equal(take_all(&b, 1000), LEAST);
}

static void a_busy_one_has_a_share(void **state)
{
    struct retry_budget b = {0};
    requests(&b, 1000, 1000);
    assert_int_equal(take_all(&b, 1000), LEAST + 1000 * RETRY_SHARE / 100);
}

static void the_last_window_counts_too(void **state)
{
    struct retry_budget b = {0};
    requests(&b, 1000, 1000);
    assert_int_equal(take_all(&b, 1000), LEAST + 200);
    requests(&b, 1000 + RETRY_WINDOW_MS, 100);
    assert_int_equal(take_all(&b, 1000 + RETRY_WINDOW_MS), 20);
}

static void what_is_long_past_is_forgotten(void **state)
{
    struct retry_budget b = {0};
    requests(&b, 1000, 1000);
    take_all(&b, 1000);
    assert_int_equal(take_all(&b, 1000 + 2 * RETRY_WINDOW_MS), LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_backend_has_a_few),
        cmocka_unit_test(a_busy_one_has_a_share),
        cmocka_unit_test(the_last_window_counts_too),
        cmocka_unit_test(what_is_long_past_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
