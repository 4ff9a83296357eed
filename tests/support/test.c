#include "support/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void test_assert_err(enum err expected, enum err got, const char *expr, const char *file, int line)
{
    if (got == expected)
        return;
    print_error("%s: got \"%s\", expected \"%s\"\n", expr, err_text(got), err_text(expected));
    _fail(file, line);
}

void test_assert_span(struct span got, struct span expected, const char *file, int line)
{
    if (span_eq(got, expected))
        return;
    print_error("got \"" SPAN_FMT "\", expected \"" SPAN_FMT "\"\n", SPAN_ARG(got),
                SPAN_ARG(expected));
    _fail(file, line);
}

static void die_in_child(void (*fn)(void *arg), void *arg)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    /* cmocka would make a failed test of the signal. */
    signal(SIGABRT, SIG_DFL);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDERR_FILENO);
    fn(arg);
    _exit(0);
}

bool test_aborts(void (*fn)(void *arg), void *arg)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        die_in_child(fn, arg);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

void test_tmpdir_make(char *dir, size_t cap)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(dir, cap, "%s/linkup-test-XXXXXX", base ? base : "/tmp");
    assert_true(n > 0 && (size_t)n < cap);
    assert_non_null(mkdtemp(dir));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void test_tmpdir_remove(const char *dir)
{
    assert_int_equal(nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}
