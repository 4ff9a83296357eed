/* Linkup's lines go into an env file and come out again. */
#include "cli/env_text.h"
#include "support/test.h"

#define M ENV_MARK "\n"
#define LINES "SOURCE_1=VALUE_1\nSOURCE_2=VALUE_2\n"

static struct buf out;

static int make(void **state)
{
    buf_init(&out, 1 << 20);
    return 0;
}

static int drop(void **state)
{
    buf_deinit(&out);
    return 0;
}

static void with(const char *target, const char *lines, const char *expected)
{
    buf_clear(&out);
    assert_ok(env_text_with(span_str(target), span_str(lines), &out));
    test_assert_span(buf_span(&out), span_str(expected), __FILE__, __LINE__);
}

static void without(const char *target, const char *expected)
{
    buf_clear(&out);
    assert_ok(env_text_without(span_str(target), &out));
    test_assert_span(buf_span(&out), span_str(expected), __FILE__, __LINE__);
}

static void test_put_in(void **state)
{
    with("A=1\n", LINES, "A=1\n\n" M LINES M);
    with("A=1", LINES, "A=1\n" M LINES M);
    with("", LINES, "\n" M LINES M);
    with("A=1\n", "B=2", "A=1\n\n" M "B=2\n" M);
    with("A=1\n", "", "A=1\n\n" M M);
}

static void test_again_changes_nothing_else(void **state)
{
    with("A=1\n\n" M LINES M, LINES, "A=1\n\n" M LINES M);
    with("A=1\n\n" M "OLD=1\n" M, LINES, "A=1\n\n" M LINES M);
    with("A=1\n\n" M "OLD=1\n" M "B=2\n", LINES, "A=1\nB=2\n\n" M LINES M);
}

static void test_taken_out(void **state)
{
    without("", "");
    without("A=1\n", "A=1\n");
    without("\n" M LINES M, "");
    without(M LINES M, "");
    without("A=1\n\n" M LINES M, "A=1\n");
    without("A=1\n" M LINES M, "A=1");
    /* Text behind it, written since. */
    without("A=1\n\n" M LINES M "B=2\n", "A=1\nB=2\n");
    without("A=1\n" M LINES M "B=2", "A=1\nB=2");
    without("\n" M LINES M "B=2", "B=2");
    /* The last line end is gone. */
    without("A=1\n\n" M LINES ENV_MARK, "A=1\n");
    /* Several. */
    without("A=1\n\n" M "X=1\n" M "B=2\n\n" M "Y=1\n" M "C=3\n", "A=1\nB=2\nC=3\n");
    without("\n" M "X=1\n" M "\n" M "Y=1\n" M, "");
    /* An editor's line ends. */
    without("A=1\r\n\n" ENV_MARK "\r\nX=1\r\n" ENV_MARK "\r\n", "A=1\r\n");
}

static void test_every_text_comes_back(void **state)
{
    static const char *const texts[] = {
        "",        "\n",           "\n\n", "A=1", "A=1\n", "A=1\n\n", "\nA=1", "# " ENV_MARK "\n",
        "A=1\r\n", ENV_MARK " \n",
    };
    struct buf put;
    buf_init(&put, 4096);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_clear(&put);
        buf_clear(&out);
        assert_ok(env_text_with(span_str(texts[i]), SPAN_LIT(LINES), &put));
        assert_ok(env_text_without(buf_span(&put), &out));
        test_assert_span(buf_span(&out), span_str(texts[i]), __FILE__, __LINE__);
    }
    buf_deinit(&put);
}

static void test_a_lone_mark_is_left_alone(void **state)
{
    assert_err(ERR_SYNTAX, env_text_without(SPAN_LIT("A=1\n" M "B=2\n"), &out));
    assert_err(ERR_SYNTAX, env_text_with(SPAN_LIT(M LINES M M), SPAN_LIT(LINES), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put_in, make, drop),
        cmocka_unit_test_setup_teardown(test_again_changes_nothing_else, make, drop),
        cmocka_unit_test_setup_teardown(test_taken_out, make, drop),
        cmocka_unit_test_setup_teardown(test_every_text_comes_back, make, drop),
        cmocka_unit_test_setup_teardown(test_a_lone_mark_is_left_alone, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
