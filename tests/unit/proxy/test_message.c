#include "proxy/head/message.h"
#include "support/test.h"

static void test_reasons(void **state)
{
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {103, "Early Hints"},
        {200, "OK"},
        {206, "Partial Content"},
        {308, "Permanent Redirect"},
        {404, "Not Found"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {502, "Bad Gateway"},
        {505, "HTTP Version Not Supported"},
        {508, "Loop Detected"},
        {511, "Network Authentication Required"},
        {104, ""},
        {306, ""},
        {418, ""},
        {430, ""},
        {499, ""},
        {509, ""},
        {599, ""},
        {99, ""},
        {600, ""},
        {-1, ""},
        {0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(status_reason(cases[i].status), cases[i].text);
}

static void test_targets_are_split(void **state)
{
    static const struct {
        const char *target, *path, *query;
    } cases[] = {
        {"/", "/", ""},         {"/a?b", "/a", "?b"}, {"/a?", "/a", "?"},
        {"/?a?b", "/", "?a?b"}, {"*", "*", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request_head h = {.target = span_str(cases[i].target)};
        request_head_split_target(&h);
        assert_true(span_eq(h.path, span_str(cases[i].path)));
        assert_true(span_eq(h.query, span_str(cases[i].query)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_targets_are_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
