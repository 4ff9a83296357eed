#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "unit/sessions/store_bed.h"

static int set_up(void **state)
{
    struct store_bed *b = mem_zalloc(sizeof *b);
    bed_init(b);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    bed_deinit(*state);
    mem_free(*state);
    return 0;
}

static void new_one_is_private_and_keeps(void **state)
{
    struct store_bed *b = *state;
    mode_t before = umask(0);
    bed_open_store(b);
    umask(before);
    struct stat st;
    assert_int_equal(stat(b->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    bed_ask_put(b, STORE_SESSION, "peter", "{\"a\":1}");
    bed_ask_put(b, STORE_TOKEN, "peter", "{\"b\":2}");
    bed_ask_put(b, STORE_SESSION, "mary", "{}");
    bed_ask_put(b, STORE_SESSION, "peter", "{\"a\":3}");
    bed_ask_remove(b, STORE_SESSION, "mary");
    bed_ask_remove(b, STORE_SESSION, "nobody");
    assert_int_equal(b->answered, 0); /* never before the call has returned */
    bed_settle(b);
    assert_int_equal(b->failed, 0);

    bed_close_store(b);
    bed_open_store(b);
    bed_assert_record(b, STORE_SESSION, "peter", "{\"a\":3}");
    bed_assert_record(b, STORE_TOKEN, "peter", "{\"b\":2}");
    assert_int_equal(bed_count(b, STORE_SESSION), 1);
    assert_int_equal(bed_count(b, STORE_USE), 0);
}

static void closing_finishes_what_was_asked(void **state)
{
    struct store_bed *b = *state;
    bed_open_store(b);
    for (int i = 0; i < 3000; i++) {
        char key[16];
        snprintf(key, sizeof key, "s%d", i);
        bed_ask_put(b, STORE_SESSION, key, "{}");
    }
    bed_close_store(b);
    bed_settle(b);
    assert_int_equal(b->failed, 0);
    bed_open_store(b);
    assert_int_equal(bed_count(b, STORE_SESSION), 3000);
}

static enum err refuse_second(void *ctx, struct span key, struct span json)
{
    return ++*(int *)ctx == 2 ? ERR_CORRUPT : ERR_OK;
}

static void load_stops_where_a_record_is_refused(void **state)
{
    struct store_bed *b = *state;
    bed_open_store(b);
    bed_ask_put(b, STORE_SESSION, "a", "{}");
    bed_ask_put(b, STORE_SESSION, "b", "{}");
    bed_ask_put(b, STORE_SESSION, "c", "{}");
    bed_settle(b);
    int n = 0;
    assert_err(ERR_CORRUPT, b->store->ops->load(b->store, STORE_SESSION, refuse_second, &n));
    assert_int_equal(n, 2);
}

/* Refusals: the file, and the log beside it, stay byte for byte. */

static char *content(const char *path, size_t *len)
{
    char *data;
    assert_ok(file_read(path, 64 << 20, &data, len));
    return data;
}

static void assert_refused(struct store_bed *b, enum err want, const char *says)
{
    char *why = NULL;
    enum err e = store_sqlite_open(b->path, &b->mailbox, &b->store, &why);
    assert_err(want, e);
    assert_null(b->store);
    assert_non_null(why);
    if (!strstr(why, says) || !strstr(why, b->path))
        print_error("\"%s\" does not say \"%s\" and the path\n", why, says);
    assert_non_null(strstr(why, says));
    assert_non_null(strstr(why, b->path));
    mem_free(why);
}

static void assert_refused_untouched(struct store_bed *b, enum err want, const char *says)
{
    size_t before_len, after_len;
    char *before = content(b->path, &before_len);
    assert_refused(b, want, says);
    char *after = content(b->path, &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    mem_free(before);
    mem_free(after);
}

static void fill_and_close(struct store_bed *b, int n)
{
    bed_open_store(b);
    for (int i = 0; i < n; i++) {
        char key[16], json[200];
        snprintf(key, sizeof key, "s%04d", i);
        snprintf(json, sizeof json, "{\"filler\":\"%0150d\"}", i);
        bed_ask_put(b, STORE_SESSION, key, json);
    }
    bed_settle(b);
    bed_close_store(b);
}

static void overwrite(const char *path, long at, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
    close(fd);
}

static void what_is_no_database_is_refused(void **state)
{
    struct store_bed *b = *state;
    char text[8192];
    memset(text, 'x', sizeof text);
    overwrite(b->path, 0, text, sizeof text);
    assert_refused_untouched(b, ERR_CORRUPT, "Restore it from a backup");
}

static void an_empty_file_is_refused(void **state)
{
    struct store_bed *b = *state;
    overwrite(b->path, 0, "", 0);
    assert_refused_untouched(b, ERR_CORRUPT, "is empty");
}

static void damage_in_the_middle_is_refused(void **state)
{
    struct store_bed *b = *state;
    fill_and_close(b, 500);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    overwrite(b->path, 3 * 4096, junk, sizeof junk);
    overwrite(b->path, 9 * 4096, junk, sizeof junk);
    assert_refused_untouched(b, ERR_CORRUPT, "damaged");
}

static void a_truncated_file_is_refused(void **state)
{
    struct store_bed *b = *state;
    fill_and_close(b, 500);
    assert_int_equal(truncate(b->path, 5 * 4096), 0);
    assert_refused_untouched(b, ERR_CORRUPT, "damaged");
}

static void sql(const char *path, const char *text)
{
    sqlite3 *conn;
    assert_int_equal(sqlite3_open(path, &conn), SQLITE_OK);
    assert_int_equal(sqlite3_exec(conn, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(conn);
}

static void someone_elses_is_refused(void **state)
{
    struct store_bed *b = *state;
    sql(b->path, "CREATE TABLE bookmarks (url TEXT)");
    assert_refused_untouched(b, ERR_UNSUPPORTED, "another program");
}

static void a_newer_one_is_refused(void **state)
{
    struct store_bed *b = *state;
    fill_and_close(b, 1);
    sql(b->path, "PRAGMA user_version = 2");
    assert_refused_untouched(b, ERR_UNSUPPORTED, "another version of linkupd (format 2");
}

static void a_missing_table_is_refused(void **state)
{
    struct store_bed *b = *state;
    fill_and_close(b, 1);
    sql(b->path, "DROP TABLE tokens");
    assert_refused_untouched(b, ERR_CORRUPT, "no such table: tokens");
}

static void a_log_without_its_database_is_refused(void **state)
{
    struct store_bed *b = *state;
    char log[PATH_MAX + 32];
    snprintf(log, sizeof log, "%s-wal", b->path);
    overwrite(log, 0, "changes", 7);
    assert_refused(b, ERR_CORRUPT, "may hold its last changes");
    assert_int_equal(access(b->path, F_OK), -1);
}

static void only_one_holds_it(void **state)
{
    struct store_bed *b = *state;
    bed_open_store(b);
    struct store *first = b->store;
    b->store = NULL;
    assert_refused(b, ERR_CONFLICT, "another linkupd");
    b->store = first;
    bed_ask_put(b, STORE_SESSION, "still", "{}");
    bed_settle(b);
    assert_int_equal(b->failed, 0);
}

static void a_missing_folder_is_reported(void **state)
{
    struct store_bed *b = *state;
    snprintf(b->path, sizeof b->path, "%s/not/there.db", b->dir);
    assert_refused(b, ERR_IO, "The state folder must exist");
}

/* Root may write anywhere: the attempt is made by a child without privileges. */
static void assert_in_child(struct store_bed *b, void (*check)(struct store_bed *))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(9);
        check(b);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* cmocka's assertions jump to where a child must not go. */
static void expect_denied(struct store_bed *b)
{
    char *why = NULL;
    enum err e = store_sqlite_open(b->path, &b->mailbox, &b->store, &why);
    if (e != ERR_DENIED || !strstr(why, "writable for the user"))
        _exit(1);
}

static void a_read_only_folder_is_reported(void **state)
{
    struct store_bed *b = *state;
    assert_int_equal(chmod(b->dir, 0555), 0);
    assert_in_child(b, expect_denied);
    assert_int_equal(chmod(b->dir, 0755), 0);
    fill_and_close(b, 1);

    assert_int_equal(chmod(b->path, 0666), 0);
    assert_int_equal(chmod(b->dir, 0555), 0);
    assert_in_child(b, expect_denied); /* no log can be made beside it */
    assert_int_equal(chmod(b->dir, 0777), 0);
    assert_int_equal(chmod(b->path, 0444), 0);
    assert_in_child(b, expect_denied);
    assert_int_equal(chmod(b->path, 0000), 0);
    assert_in_child(b, expect_denied);
    assert_int_equal(chmod(b->path, 0600), 0);
    bed_open_store(b);
    assert_int_equal(bed_count(b, STORE_SESSION), 1);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_fails_the_change_and_passes(void **state)
{
    struct store_bed *b = *state;
    bed_open_store(b);
    bed_ask_put(b, STORE_SESSION, "before", "{}");
    bed_settle(b);

    char big[60000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    limit_files(40000);
    bed_ask_put(b, STORE_SESSION, "refused", big);
    bed_ask_put(b, STORE_SESSION, "before", "{\"changed\":true}");
    bed_settle(b);
    limit_files(RLIM_INFINITY);
    assert_true(b->failed >= 1);
    /* One batch or two: what was answered with success is there, and only that. */
    bool changed = b->last == ERR_OK;
    if (!changed)
        assert_err(ERR_FULL, b->last);

    bed_ask_put(b, STORE_SESSION, "after", "{}");
    bed_settle(b);
    assert_ok(b->last);
    bed_close_store(b);
    bed_open_store(b);
    bed_assert_record(b, STORE_SESSION, "before", changed ? "{\"changed\":true}" : "{}");
    bed_assert_record(b, STORE_SESSION, "after", "{}");
    assert_int_equal(bed_count(b, STORE_SESSION), 2);
}

static void a_full_disk_at_the_first_start(void **state)
{
    struct store_bed *b = *state;
    limit_files(1000);
    assert_refused(b, ERR_FULL, "have room");
    limit_files(RLIM_INFINITY);
    bed_open_store(b); /* nothing half made is in the way */
}

static void a_batch_is_kept_whole_or_not_at_all(void **state)
{
    struct store_bed *b = *state;
    bed_open_store(b);
    bed_ask_put(b, STORE_SESSION, "before", "{}");
    bed_settle(b);
    limit_files(100000);
    unsigned before = b->answered;
    char big[4000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "s%d", i);
        bed_ask_put(b, STORE_SESSION, key, big);
    }
    bed_settle(b);
    limit_files(RLIM_INFINITY);
    unsigned kept = b->answered - before - b->failed;
    assert_true(b->failed > 0);
    bed_close_store(b);
    bed_open_store(b);
    assert_int_equal(bed_count(b, STORE_SESSION), kept + 1);
}

/* Crash: a child puts without end and reports what has been answered; it is killed; all that it
 * reported is there. */

struct stream {
    struct store_bed *bed;
    int report;
    unsigned next, answered;
};

static void stream_one(struct stream *s);

static void on_streamed(void *ctx, enum err e)
{
    struct stream *s = ctx;
    unsigned n = s->answered++;
    if (e != ERR_OK || write(s->report, &n, sizeof n) != (ssize_t)sizeof n)
        _exit(1);
    stream_one(s);
}

static void stream_one(struct stream *s)
{
    char key[24], json[64];
    snprintf(key, sizeof key, "s%u", s->next);
    snprintf(json, sizeof json, "{\"n\":%u}", s->next);
    s->next++;
    s->bed->store->ops->put(s->bed->store, STORE_SESSION, span_str(key), span_str(json),
                            on_streamed, s);
}

static void stream_until_killed(struct store_bed *b, int report, unsigned first)
{
    char *why = NULL;
    struct stream s = {.bed = b, .report = report, .next = first, .answered = first};
    if (store_sqlite_open(b->path, &b->mailbox, &b->store, &why) != ERR_OK)
        _exit(1);
    for (int i = 0; i < 32; i++)
        stream_one(&s);
    for (;;)
        bed_turn(b);
}

/* How many have been answered when the child is killed after at least LEAST. */
static unsigned kill_after(struct store_bed *b, unsigned first, unsigned least)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        stream_until_killed(b, fds[1], first);
    }
    close(fds[1]);
    unsigned n, count = first;
    while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n) {
        count = n + 1;
        if (count >= first + least)
            kill(child, SIGKILL);
    }
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return count;
}

struct presence {
    unsigned char *seen;
    unsigned n;
};

static enum err mark_seen(void *ctx, struct span key, struct span json)
{
    struct presence *p = ctx;
    uint64_t n;
    assert_ok(span_to_u64(span_from(key, 1), &n));
    char want[64];
    snprintf(want, sizeof want, "{\"n\":%u}", (unsigned)n);
    assert_true(span_eq(json, span_str(want)));
    if (n < p->n)
        p->seen[n] = 1;
    return ERR_OK;
}

static void all_answered_survives_a_kill(void **state)
{
    struct store_bed *b = *state;
    unsigned answered = 0;
    for (unsigned round = 0; round < 5; round++) {
        answered = kill_after(b, answered, 1 + round * 97);
        bed_open_store(b);
        struct presence p = {.seen = mem_zalloc(answered), .n = answered};
        assert_ok(b->store->ops->load(b->store, STORE_SESSION, mark_seen, &p));
        for (unsigned i = 0; i < answered; i++)
            assert_true(p.seen[i]);
        mem_free(p.seen);
        bed_close_store(b);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_one_is_private_and_keeps),
        TEST(closing_finishes_what_was_asked),
        TEST(load_stops_where_a_record_is_refused),
        TEST(what_is_no_database_is_refused),
        TEST(an_empty_file_is_refused),
        TEST(damage_in_the_middle_is_refused),
        TEST(a_truncated_file_is_refused),
        TEST(someone_elses_is_refused),
        TEST(a_newer_one_is_refused),
        TEST(a_missing_table_is_refused),
        TEST(a_log_without_its_database_is_refused),
        TEST(only_one_holds_it),
        TEST(a_missing_folder_is_reported),
        TEST(a_read_only_folder_is_reported),
        TEST(a_full_disk_fails_the_change_and_passes),
        TEST(a_full_disk_at_the_first_start),
        TEST(a_batch_is_kept_whole_or_not_at_all),
        TEST(all_answered_survives_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
