#include "cli/edge.h"

#include "cli/session_view.h"
#include "support/test.h"

static void test_exit_codes(void **state)
{
    static const struct {
        int status;
        enum exit_code code;
    } codes[] = {
        {200, EXIT_DONE},        {201, EXIT_DONE},        {204, EXIT_DONE},
        {400, EXIT_INPUT},       {405, EXIT_INPUT},       {413, EXIT_INPUT},
        {415, EXIT_INPUT},       {422, EXIT_INPUT},       {401, EXIT_REFUSED},
        {403, EXIT_REFUSED},     {404, EXIT_MISSING},     {409, EXIT_MISSING},
        {412, EXIT_MISSING},     {408, EXIT_UNREACHABLE}, {429, EXIT_UNREACHABLE},
        {301, EXIT_UNREACHABLE}, {101, EXIT_UNREACHABLE}, {500, EXIT_UNREACHABLE},
        {502, EXIT_UNREACHABLE}, {507, EXIT_UNREACHABLE}, {0, EXIT_UNREACHABLE},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(edge_exit_code(codes[i].status), codes[i].code);
}

static void test_path_is_encoded(void **state)
{
    struct cli c = {0};
    arena_init(&c.arena, NULL, 0, 65536);
    assert_string_equal(edge_path(&c, "/v1/tokens/", "a0Z-_~"), "/v1/tokens/a0Z-_~");
    assert_string_equal(edge_path(&c, "/", "../x?y#\xc3\xa9%"), "/%2E%2E%2Fx%3Fy%23%C3%A9%25");
    arena_deinit(&c.arena);
}

static void test_json_text(void **state)
{
    json_t *j = json_pack("{s:s, s:i}", "a", "x", "b", 1);
    assert_string_equal(json_text(j, "a"), "x");
    assert_string_equal(json_text(j, "b"), "");
    assert_string_equal(json_text(j, "c"), "");
    assert_string_equal(json_text(NULL, "a"), "");
    json_decref(j);
}

static void test_when(void **state)
{
    struct cli c = {0};
    arena_init(&c.arena, NULL, 0, 65536);
    const char *at = "1970-01-10T00:00:00.000Z"; /* day 9 */
    const int64_t s = 1000, h = 3600 * s, d = 24 * h;
    assert_string_equal(session_when(&c, at, 9 * d - 30 * s), "in 30s");
    assert_string_equal(session_when(&c, at, 9 * d - 80 * s), "in 1m");
    assert_string_equal(session_when(&c, at, 9 * d - 2 * h), "in 2h");
    assert_string_equal(session_when(&c, at, 9 * d - 2 * h - 120 * s), "in 2h 2m");
    assert_string_equal(session_when(&c, at, 2 * d), "in 7d");
    assert_string_equal(session_when(&c, at, 2 * d + s), "in 7d");
    assert_string_equal(session_when(&c, at, 8 * d + s), "in 1d");
    assert_string_equal(session_when(&c, at, 9 * d - h + s), "in 1h");
    assert_string_equal(session_when(&c, at, 9 * d - 59 * s), "in 59s");
    assert_string_equal(session_when(&c, at, 2 * d + h), "in 6d 23h");
    assert_string_equal(session_when(&c, at, 9 * d), "in 0s");
    assert_string_equal(session_when(&c, at, 9 * d + 5 * h), "5h ago");
    assert_string_equal(session_when(&c, "", 0), "never");
    assert_string_equal(session_when(&c, "soon", 0), "soon");
    arena_deinit(&c.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_path_is_encoded),
        cmocka_unit_test(test_json_text),
        cmocka_unit_test(test_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
