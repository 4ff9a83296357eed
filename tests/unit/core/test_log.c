#include "core/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"
#include "support/test.h"

/* Standard error goes into a file while a test logs; asserting waits until it is back. */
struct capture {
    FILE *file;
    int stderr_before;
    char text[65536];
};

static struct capture capture;

static void capture_begin(void)
{
    capture.file = tmpfile();
    assert_non_null(capture.file);
    capture.stderr_before = dup(STDERR_FILENO);
    assert_true(dup2(fileno(capture.file), STDERR_FILENO) >= 0);
}

static off_t capture_size(void)
{
    return lseek(fileno(capture.file), 0, SEEK_END);
}

static const char *capture_end(void)
{
    assert_true(dup2(capture.stderr_before, STDERR_FILENO) >= 0);
    close(capture.stderr_before);
    ssize_t n = pread(fileno(capture.file), capture.text, sizeof capture.text - 1, 0);
    assert_true(n >= 0);
    capture.text[n] = '\0';
    fclose(capture.file);
    return capture.text;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void a_line_of_text(void **state)
{
    log_setup(LOG_INFO, false);
    capture_begin();
    LOG(LOG_INFO, "text_line", LOG_S("name", "x"), LOG_U("n", 3));
    const char *text = capture_end();
    assert_int_equal(text[23], 'Z');
    assert_string_equal(text + 24, " INFO text_line name=x n=3\n");
}

static void a_line_of_json(void **state)
{
    log_setup(LOG_INFO, true);
    capture_begin();
    LOG(LOG_ERROR, "json_line", LOG_S("name", "x"));
    const char *text = capture_end();
    assert_non_null(strstr(text, "\"level\":\"ERROR\",\"event\":\"json_line\",\"name\":\"x\"}\n"));
    assert_int_equal(text[0], '{');
}

static int calls;

static struct span counted(void)
{
    calls++;
    return SPAN_LIT("x");
}

static void levels_below_are_not_even_evaluated(void **state)
{
    log_setup(LOG_WARN, false);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_WARN));
    capture_begin();
    LOG(LOG_INFO, "level_test", LOG_SPAN("k", counted()));
    log_set_level(LOG_DEBUG);
    LOG(LOG_DEBUG, "level_test", LOG_SPAN("k", counted()));
    assert_int_equal(count_lines(capture_end()), 1);
    assert_int_equal(calls, 1);
}

static void errno_stays(void **state)
{
    log_setup(LOG_INFO, false);
    capture_begin();
    close(STDERR_FILENO);
    errno = ERANGE;
    LOG(LOG_INFO, "errno_test", LOG_ERRNO(errno));
    int after = errno;
    capture_end();
    assert_int_equal(after, ERANGE);
    assert_string_equal(log_errno_text(123456), "unknown error");
}

static void repeats_are_counted(void **state)
{
    log_setup(LOG_INFO, false);
    capture_begin();
    /* On until a line comes after lines had been held back. */
    uint64_t attempts = 0;
    /* The same name at two addresses is one event. */
    static const char names[2][16] = {"repeat_test", "repeat_test"};
    bool held_any = false;
    for (;;) {
        off_t before = capture_size();
        LOG(LOG_INFO, names[attempts % 2], LOG_U("attempt", attempts));
        attempts++;
        if (capture_size() == before)
            held_any = true;
        else if (held_any)
            break;
    }
    const char *text = capture_end();

    const char *repeats = strstr(text, " repeats=");
    assert_non_null(repeats);
    assert_null(strstr(repeats + 1, " repeats="));
    uint64_t held = strtoull(repeats + strlen(" repeats="), NULL, 10);
    assert_int_equal(count_lines(text) + held, attempts);
    assert_true(count_lines(text) >= 11);
}

static void *log_in_thread(void *arg)
{
    for (int i = 0; i < 100; i++)
        LOG(LOG_INFO, (const char *)arg, LOG_U("i", i));
    return NULL;
}

static void each_thread_counts_for_itself(void **state)
{
    log_setup(LOG_INFO, false);
    capture_begin();
    char name[] = "thread_test";
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, log_in_thread, name) != 0)
            abort();
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    const char *text = capture_end();
    assert_true(count_lines(text) >= 40);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        assert_memory_equal(line + 23, "Z INFO thread_test i=", 21);
}

static void more_events_than_slots(void **state)
{
    static char names[200][16];
    log_setup(LOG_INFO, false);
    capture_begin();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(names[i], sizeof names[i], "event_%zu", i);
        LOG(LOG_INFO, names[i], LOG_U("i", i));
    }
    assert_int_equal(count_lines(capture_end()), ARRAY_LEN(names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_text),
        cmocka_unit_test(a_line_of_json),
        cmocka_unit_test(levels_below_are_not_even_evaluated),
        cmocka_unit_test(errno_stays),
        cmocka_unit_test(repeats_are_counted),
        cmocka_unit_test(each_thread_counts_for_itself),
        cmocka_unit_test(more_events_than_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
