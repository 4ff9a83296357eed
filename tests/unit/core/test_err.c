#include "core/err.h"

#include "support/test.h"

static enum err try_it(enum err e, bool *reached)
{
    TRY(e);
    *reached = true;
    return ERR_OK;
}

static void try_returns_the_error(void **state)
{
    bool reached = false;
    assert_err(ERR_FULL, try_it(ERR_FULL, &reached));
    assert_false(reached);
    assert_ok(try_it(ERR_OK, &reached));
    assert_true(reached);
}

static void every_error_has_its_own_text(void **state)
{
    for (int i = ERR_OK; i <= ERR_UNSUPPORTED; i++) {
        assert_string_not_equal(err_text((enum err)i), "unknown error");
        for (int j = ERR_OK; j < i; j++)
            assert_string_not_equal(err_text((enum err)i), err_text((enum err)j));
    }
    assert_string_equal(err_text((enum err)1000), "unknown error");
}

static void check_it(void *arg)
{
    CHECK(*(int *)arg == 1);
}

static void a_failed_check_aborts(void **state)
{
    int one = 1, two = 2;
    assert_false(test_aborts(check_it, &one));
    assert_true(test_aborts(check_it, &two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(try_returns_the_error),
        cmocka_unit_test(every_error_has_its_own_text),
        cmocka_unit_test(a_failed_check_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
