#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "support/test.h"

static char dir[PATH_MAX];
static char path[PATH_MAX + 8];

static int dir_make(void **state)
{
    test_tmpdir_make(dir, sizeof dir);
    snprintf(path, sizeof path, "%s/file", dir);
    return 0;
}

static int dir_remove(void **state)
{
    test_tmpdir_remove(dir);
    return 0;
}

static void write_plainly(const char *text, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void assert_content(struct span expected)
{
    char *data;
    size_t len;
    assert_ok(file_read(path, 1 << 24, &data, &len));
    assert_true(span_eq(span_of(data, len), expected));
    assert_int_equal(data[len], '\0');
    mem_free(data);
}

static size_t count_entries(void)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2; /* "." and ".." */
}

static void a_file_is_read_whole(void **state)
{
    static char big[300000];
    memset(big, 'x', sizeof big);
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 300000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        write_plainly(big, sizes[i]);
        assert_content(span_of(big, sizes[i]));
    }
    write_plainly("a\0b", 3);
    assert_content(SPAN_LIT("a\0b"));
}

static void the_ceiling_is_the_last_size_allowed(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 4096, 10000};
    static char text[10001];
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *data = NULL;
        size_t len = 0;
        write_plainly(text, sizes[i]);
        assert_ok(file_read(path, sizes[i], &data, &len));
        assert_int_equal(len, sizes[i]);
        mem_free(data);

        data = NULL;
        write_plainly(text, sizes[i] + 1);
        assert_err(ERR_FULL, file_read(path, sizes[i], &data, &len));
        assert_null(data);
    }
}

static void no_ceiling_to_speak_of(void **state)
{
    char *data;
    size_t len;
    write_plainly("abc", 3);
    assert_ok(file_read(path, SIZE_MAX, &data, &len));
    assert_int_equal(len, 3);
    mem_free(data);
}

/* Such files say that they have no size. */
static void files_of_proc_are_read(void **state)
{
    char *data;
    size_t len;
    assert_ok(file_read("/proc/self/status", 1 << 20, &data, &len));
    assert_true(len > 0);
    assert_non_null(strstr(data, "Pid:"));
    mem_free(data);
    assert_err(ERR_FULL, file_read("/proc/self/status", 10, &data, &len));
}

static void *write_into_fifo(void *arg)
{
    FILE *f = fopen(path, "w");
    for (int i = 0; f && i < 20000; i++)
        fprintf(f, "%05d", i);
    if (f)
        fclose(f);
    return NULL;
}

/* It has to grow several times: nothing says how much will come. */
static void a_pipe_is_read_to_its_end(void **state)
{
    pthread_t writer;
    char *data;
    size_t len;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_into_fifo, NULL), 0);
    assert_ok(file_read(path, 100000, &data, &len));
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(len, 100000);
    assert_memory_equal(data, "0000000001", 10);
    assert_memory_equal(data + len - 10, "1999819999", 10);
    mem_free(data);
}

static void what_cannot_be_read(void **state)
{
    char *data;
    size_t len;
    assert_err(ERR_NOT_FOUND, file_read(path, 100, &data, &len));
    assert_int_equal(errno, ENOENT);
    assert_err(ERR_IO, file_read(dir, 100, &data, &len));
    assert_int_equal(errno, EISDIR);
}

static mode_t mode_of_file(void)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_file_is_made_and_replaced(void **state)
{
    mode_t umask_before = umask(0077);
    assert_ok(file_write_atomic(path, SPAN_LIT("one"), 0644));
    umask(umask_before);
    assert_content(SPAN_LIT("one"));
    assert_int_equal(mode_of_file(), 0644);

    assert_ok(file_write_atomic(path, SPAN_LIT("two\0!"), 0600));
    assert_content(SPAN_LIT("two\0!"));
    assert_int_equal(mode_of_file(), 0600);

    assert_ok(file_write_atomic(path, (struct span){NULL, 0}, 0600));
    assert_content(SPAN_LIT(""));
    assert_int_equal(count_entries(), 1);
}

static void a_failure_leaves_nothing(void **state)
{
    char nowhere[PATH_MAX + 32];
    snprintf(nowhere, sizeof nowhere, "%s/nowhere/file", dir);
    assert_err(ERR_NOT_FOUND, file_write_atomic(nowhere, SPAN_LIT("x"), 0600));

    /* A directory in the place of the file. */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_err(ERR_IO, file_write_atomic(path, SPAN_LIT("x"), 0600));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(count_entries(), 1);
}

/* A file-size limit stands for a full disk. */
static void a_write_that_fails_keeps_the_old(void **state)
{
    static char big[100000];
    struct rlimit before, small;
    assert_ok(file_write_atomic(path, SPAN_LIT("old"), 0600));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum err e = file_write_atomic(path, span_of(big, sizeof big), 0600);
    int errno_after = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);

    assert_err(ERR_IO, e);
    assert_int_equal(errno_after, EFBIG);
    assert_content(SPAN_LIT("old"));
    assert_int_equal(count_entries(), 1);
}

static void a_path_without_a_directory(void **state)
{
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(dir), 0);
    assert_ok(file_write_atomic("file", SPAN_LIT("here"), 0600));
    assert_int_equal(chdir(before), 0);
    assert_content(SPAN_LIT("here"));
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, dir_make, dir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(a_file_is_read_whole),
        IN_DIR(the_ceiling_is_the_last_size_allowed),
        IN_DIR(no_ceiling_to_speak_of),
        IN_DIR(files_of_proc_are_read),
        IN_DIR(a_pipe_is_read_to_its_end),
        IN_DIR(what_cannot_be_read),
        IN_DIR(a_file_is_made_and_replaced),
        IN_DIR(a_failure_leaves_nothing),
        IN_DIR(a_write_that_fails_keeps_the_old),
        IN_DIR(a_path_without_a_directory),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
