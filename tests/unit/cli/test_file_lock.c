/* One at a time. */
#include "cli/file_lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fd.h"
#include "unit/cli/cli_bed.h"

static void test_held_by_another_process(void **state)
{
    struct cli_bed b;
    int ready[2], fd;
    char byte;
    cli_bed_init(&b);
    const char *file = cli_bed_path(&b, "lock");
    assert_int_equal(file_lock_holder(file), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool done = file_lock(file, 0, &fd) == ERR_OK && file_lock_sign(fd) == ERR_OK;
        (void)!write(ready[1], done ? "y" : "n", 1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_err(ERR_TIMEOUT, file_lock(file, 0, &fd));
    assert_err(ERR_TIMEOUT, file_lock(file, 1, &fd));
    assert_int_equal(file_lock_holder(file), pid);

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(file_lock_holder(file), 0); /* signed, but of one that has ended */
    assert_ok(file_lock(file, 0, &fd));
    fd_close(&fd);
    close(ready[0]);
    close(ready[1]);
    cli_bed_deinit(&b);
}

static void test_nowhere(void **state)
{
    int fd;
    assert_err(ERR_IO, file_lock("/nonexistent/lock", 1, &fd));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_by_another_process),
        cmocka_unit_test(test_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
