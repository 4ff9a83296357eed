/* The agent's log stays small, and its end is shown. */
#include "cli/agent/agent_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/cli/cli_bed.h"

static void put(const char *file, const char *text)
{
    assert_ok(file_write_atomic(file, span_str(text), 0600));
}

static void test_tail(void **state)
{
    struct cli_bed b;
    char out[64];
    cli_bed_init(&b);
    const char *file = cli_bed_path(&b, "log");
    agent_log_tail(file, 3, out, sizeof out);
    assert_string_equal(out, "");
    put(file, "one\n");
    agent_log_tail(file, 3, out, sizeof out);
    assert_string_equal(out, "one\n");
    put(file, "one\ntwo\nthree\nfour\n");
    agent_log_tail(file, 2, out, sizeof out);
    assert_string_equal(out, "three\nfour\n");
    agent_log_tail(file, 4, out, sizeof out);
    assert_string_equal(out, "one\ntwo\nthree\nfour\n");
    put(file, "one\ntwo");
    agent_log_tail(file, 1, out, sizeof out);
    assert_string_equal(out, "two");
    agent_log_tail(file, 9, out, 4); /* only so much room */
    assert_string_equal(out, "two");
    cli_bed_deinit(&b);
}

static void grow(const char *file)
{
    int fd = agent_log_open(file);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, AGENT_LOG_MAX + 1), 0);
    close(fd);
}

static long long size_of(const char *file)
{
    struct stat st;
    return stat(file, &st) == 0 ? (long long)st.st_size : -1;
}

static void test_a_large_one_is_begun_anew(void **state)
{
    struct cli_bed b;
    cli_bed_init(&b);
    const char *file = cli_bed_path(&b, "log"), *aside = cli_bed_path(&b, "log.1");
    grow(file);
    int fd = agent_log_open(file);
    assert_int_equal(size_of(file), 0);
    assert_int_equal(size_of(aside), AGENT_LOG_MAX + 1);

    /* While it is standard error. */
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    agent_log_bound(file);
    assert_int_equal(unlink(aside), 0);
    assert_int_equal(ftruncate(fd, AGENT_LOG_MAX + 1), 0);
    agent_log_bound(file);
    ssize_t n = write(STDERR_FILENO, "new\n", 4);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    assert_int_equal(n, 4);
    assert_int_equal(size_of(file), 4);
    assert_int_equal(size_of(aside), AGENT_LOG_MAX + 1);
    close(out);
    close(err);
    close(fd);
    cli_bed_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_a_large_one_is_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
