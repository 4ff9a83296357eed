/* Files that mean harm or hold secrets: bounded, and nothing is told that should not be. */
#include <stdio.h>

#include "config/config.h"
#include "core/file.h"
#include "core/mem.h"
#include "support/test.h"

#define ZONE "zone: dev.example.com\n"
#define ADDRESSES "addresses: [192.0.2.1]\n"
#define BASE ZONE ADDRESSES "services: [{name: web, url: \"http://web\"}]\n"
#define ACME(more) BASE "certificates: {issuer: acme, acme: {directory: 'https://ca/d'" more "}}\n"

static void parse_bad(const char *yaml, struct config_errors *errors)
{
    struct config *c = NULL;
    assert_err(ERR_SYNTAX, config_parse("/etc/x.yaml", span_str(yaml), &c, errors));
    assert_null(c);
    assert_true(errors->n > 0);
}

static bool any_contains(const struct config_errors *errors, const char *part)
{
    for (size_t i = 0; i < errors->n; i++)
        if (strstr(errors->v[i].text, part) || strstr(errors->v[i].key, part))
            return true;
    return false;
}

static void test_secrets_untold(void **state)
{
    struct config_errors errors;
    parse_bad(ACME(", eab: {kid: x, key: \"hush hush\"}"), &errors);
    assert_false(any_contains(&errors, "hush"));
    config_errors_deinit(&errors);

    parse_bad(ZONE ADDRESSES "services: [{name: web, url: \"http://user:hush@web\"}]\n", &errors);
    assert_false(any_contains(&errors, "hush"));
    config_errors_deinit(&errors);

    parse_bad(BASE "certificates: {acme: {directory: 'https://u:hush@ca/'}}\n", &errors);
    assert_false(any_contains(&errors, "hush"));
    config_errors_deinit(&errors);
}

static void write_secret(const char *path, size_t len, char fill)
{
    char *text = mem_alloc(len + 1);
    memset(text, fill, len);
    assert_ok(file_write_atomic(path, span_of(text, len), 0600));
    mem_free(text);
}

static void test_secret_files(void **state)
{
    static const struct {
        size_t len;
        char fill;
        const char *text;
    } contents[] = {
        {0, 'x', "is empty"},
        {1, '\n', "is empty"},
        {2, '\n', "more than one line"},
        {4, '\0', "control characters"},
        {9000, 'x', "larger than 8192 bytes"},
        {20, '!', "base64url"},
    };
    char dir[256], path[512], yaml[2048];
    test_tmpdir_make(dir, sizeof dir);
    snprintf(path, sizeof path, "%s/s", dir);
    snprintf(yaml, sizeof yaml, ACME(", eab: {kid: x, key_file: %s}"), path);
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        struct config_errors errors;
        write_secret(path, contents[i].len, contents[i].fill);
        parse_bad(yaml, &errors);
        assert_int_equal(errors.n, 1);
        assert_true(any_contains(&errors, contents[i].text));
        config_errors_deinit(&errors);
    }
    test_tmpdir_remove(dir);
}

static char *repeat(const char *head, const char *part, size_t times)
{
    size_t a = strlen(head), b = strlen(part);
    char *text = mem_alloc(a + b * times + 1);
    memcpy(text, head, a);
    for (size_t i = 0; i < times; i++)
        memcpy(text + a + i * b, part, b);
    text[a + b * times] = '\0';
    return text;
}

static void check_bounded(const char *head, const char *part, size_t times, const char *expected)
{
    struct config_errors errors;
    char *yaml = repeat(head, part, times);
    parse_bad(yaml, &errors);
    if (!strstr(errors.v[0].text, expected))
        fail_msg("%s: %s", errors.v[0].key, errors.v[0].text);
    config_errors_deinit(&errors);
    mem_free(yaml);
}

static void test_bounds(void **state)
{
    check_bounded("", "# 345678\n", 120000, "larger than 1 MiB");
    check_bounded("a: [", "a,", 70000, "more than 65536 values");
    check_bounded("", "[", 100000, "nested too deeply");
    check_bounded("", "{a: ", 100000, "nested too deeply");
    check_bounded("", "- ", 100000, "nested too deeply");
    check_bounded("zone: ", "x", 9000, "longer than 8192 bytes");
    check_bounded("", "x", 9000, "longer than 8192 bytes");
    check_bounded("? ", "x", 9000, "longer than 8192 bytes");

    /* Only so many errors are told. */
    struct config_errors errors;
    char *yaml = repeat("", "a: 1\n", 5000);
    parse_bad(yaml, &errors);
    assert_int_equal(errors.n, 1001);
    assert_true(any_contains(&errors, "more errors than are shown"));
    config_errors_deinit(&errors);
    mem_free(yaml);
}

static void test_file_too_large(void **state)
{
    char dir[256], path[512];
    struct config *c = NULL;
    struct config_errors errors;
    test_tmpdir_make(dir, sizeof dir);
    snprintf(path, sizeof path, "%s/c.yaml", dir);
    write_secret(path, (1 << 20) + 1, '#');
    assert_err(ERR_SYNTAX, config_load(path, &c, &errors));
    assert_true(any_contains(&errors, "larger than 1 MiB"));
    config_errors_deinit(&errors);
    test_tmpdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_untold),
        cmocka_unit_test(test_secret_files),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_file_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
