/* One line an exchange: what it says, that values cannot forge anything, and that writing never waits. */
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "proxy/access/access_line.h"
#include "proxy/access/access_log.h"
#include "proxy/access/access_sink.h"
#include "proxy/access/access_writer.h"
#include "proxy/exchange.h"
#include "support/test.h"

struct log_bed {
    struct arena arena;
    struct exchange x;
    struct access_clock clock;
    char line[ACCESS_LINE_MAX + 1];
    char dir[256], file[300];
    struct ev_loop *loop;
    struct access_writer *writer;
    struct access_log *log;
    struct metrics metrics;
};

static struct log_bed bed;

static int setup(void **state)
{
    memset(&bed, 0, sizeof bed);
    arena_init(&bed.arena, NULL, 0, 64 * 1024);
    test_tmpdir_make(bed.dir, sizeof bed.dir);
    snprintf(bed.file, sizeof bed.file, "%s/access", bed.dir);
    bed.loop = ev_loop_new(EVFLAG_AUTO);

    struct exchange *x = &bed.x;
    assert_ok(addr_parse_ip(SPAN_LIT("192.0.2.7"), 1, &x->client));
    x->http2 = true;
    x->request.method_text = SPAN_LIT("GET");
    x->request.target = SPAN_LIT("/a/b?token=secret");
    request_head_split_target(&x->request);
    x->host = SPAN_LIT("web.gecko.dev.example.com");
    x->routed = true;
    x->route.outcome = ROUTE_TO_BACKEND;
    x->route.place = PLACE_SESSION;
    x->route.session_name = SPAN_LIT("gecko");
    x->route.service = SPAN_LIT("web");
    x->answered = 200;
    x->response_ended = true;
    x->request_bytes = 5;
    x->response_bytes = 1234567;
    x->tls = "TLSv1.3";
    x->tls_resumed = true;
    struct story *s = &x->story;
    s->protocol = PROTOCOL_H1;
    s->secured = true;
    s->attempts = 2;
    s->started_us = 1000000;
    uint64_t at = s->started_us;
    for (unsigned m = 0; m < MOMENT_COUNT; m++)
        s->at_us[m] = at += (m + 1) * 100;
    assert_ok(fields_add_id(&x->request.fields, &bed.arena, FIELD_X_REQUEST_ID, SPAN_LIT("0123")));
    assert_ok(fields_add_id(&x->request.fields, &bed.arena, FIELD_USER_AGENT, SPAN_LIT("a b")));
    assert_ok(fields_add_id(&x->request.fields, &bed.arena, FIELD_TRACEPARENT,
                            SPAN_LIT("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")));
    return 0;
}

static int teardown(void **state)
{
    arena_deinit(&bed.arena);
    test_tmpdir_remove(bed.dir);
    ev_loop_destroy(bed.loop);
    return 0;
}

/* 2026-05-01T10:00:00.123Z */
#define WALL INT64_C(1777629600123)

static const char *line_as(enum access_format format)
{
    size_t n = access_line_write(bed.line, format, WALL, 3500000, &bed.clock, &bed.x);
    assert_true(n <= ACCESS_LINE_MAX);
    bed.line[n] = '\0';
    assert_ptr_equal(strchr(bed.line, '\n'), bed.line + n - 1);
    return bed.line;
}

static const char *line(bool json)
{
    return line_as(json ? ACCESS_JSON : ACCESS_TEXT);
}

static void test_json(void **state)
{
    assert_string_equal(
        line(true),
        "{\"time\":\"2026-05-01T10:00:00.123Z\",\"client\":\"192.0.2.7\",\"method\":\"GET\","
        "\"host\":\"web.gecko.dev.example.com\",\"path\":\"/a/b\",\"front\":\"h2\","
        "\"user_agent\":\"a b\",\"status\":200,"
        "\"tls\":\"TLSv1.3\",\"resumed\":true,\"request_id\":\"0123\","
        "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
        "\"session\":\"gecko\",\"service\":\"web\",\"backend\":\"session\","
        "\"back\":\"h1\",\"back_tls\":true,\"attempts\":2,"
        "\"request_bytes\":5,\"response_bytes\":1234567,"
        "\"duration_seconds\":2.500000,\"route_seconds\":0.000100,\"name_seconds\":0.000300,"
        "\"connect_seconds\":0.000400,\"tls_seconds\":0.000500,\"wait_seconds\":0.000700,"
        "\"head_seconds\":0.002800,\"end\":\"complete\"}\n");
}

static void test_text(void **state)
{
    assert_string_equal(line(false),
                        "time=2026-05-01T10:00:00.123Z client=192.0.2.7 method=GET "
                        "host=web.gecko.dev.example.com path=/a/b front=h2 "
                        "user_agent=\"a b\" status=200 tls=TLSv1.3 resumed=true "
                        "request_id=0123 trace_id=0af7651916cd43dd8448eb211c80319c "
                        "session=gecko service=web backend=session "
                        "back=h1 back_tls=true attempts=2 "
                        "request_bytes=5 response_bytes=1234567 "
                        "duration_seconds=2.500000 route_seconds=0.000100 name_seconds=0.000300 "
                        "connect_seconds=0.000400 tls_seconds=0.000500 wait_seconds=0.000700 "
                        "head_seconds=0.002800 end=complete\n");
}

static void test_what_is_not_known_is_not_said(void **state)
{
    struct exchange *x = &bed.x;
    memset(x, 0, sizeof *x);
    x->story.started_us = 3500000;
    assert_string_equal(line(true), "{\"time\":\"2026-05-01T10:00:00.123Z\",\"client\":\"unknown\","
                                    "\"front\":\"h1\",\"status\":0,"
                                    "\"request_bytes\":0,\"response_bytes\":0,"
                                    "\"duration_seconds\":0.000000,\"end\":\"cut\","
                                    "\"phase\":\"request\"}\n");
}

static const char *member(const char *json, const char *key)
{
    static char value[ACCESS_LINE_MAX * 2];
    json_error_t error;
    json_t *j = json_loads(json, 0, &error);
    if (!j)
        fail_msg("%s: %s", error.text, json);
    json_t *m = json_object_get(j, key);
    snprintf(value, sizeof value, "%s", m ? json_string_value(m) : "(none)");
    json_decref(j);
    return value;
}

static void test_places_and_ends(void **state)
{
    struct exchange *x = &bed.x;
    x->route.place = PLACE_SHARED;
    assert_string_equal(member(line(true), "backend"), "shared");
    x->route.outcome = ROUTE_TO_TUNNEL;
    assert_string_equal(member(line(true), "backend"), "tunnel");
    x->route.outcome = ROUTE_TO_EDGE;
    assert_string_equal(member(line(true), "backend"), "edge");
    x->route.outcome = ROUTE_UNKNOWN_SESSION;
    assert_string_equal(member(line(true), "backend"), "(none)");

    x->response_ended = false;
    x->response.body = BODY_LENGTH;
    x->response.content_length = x->response_bytes + 1;
    assert_string_equal(member(line(true), "end"), "cut");
    x->response.content_length = x->response_bytes;
    assert_string_equal(member(line(true), "end"), "complete");
    x->response.body = BODY_STREAM;
    assert_string_equal(member(line(true), "end"), "cut");
    x->request.method = METHOD_HEAD;
    assert_string_equal(member(line(true), "end"), "complete");
    x->answered = 0;
    assert_string_equal(member(line(true), "end"), "cut");
}

static void test_who_broke_it_off_and_where(void **state)
{
    static const struct {
        enum story_end end;
        enum story_moment last;
        const char *name, *phase;
    } cases[] = {
        {END_CLIENT_GONE, MOMENT_ROUTED, "client-gone", "route"},
        {END_CLIENT_RESET, MOMENT_ATTEMPT, "client-reset", "connect"},
        {END_CLIENT_SLOW, MOMENT_RESOLVED, "client-slow", "connect"},
        {END_CLIENT_BAD, MOMENT_CONNECTED, "client-bad", "tls"},
        {END_BACK_BROKE, MOMENT_HEAD, "back-broke", "response"},
        {END_BACK_SILENT, MOMENT_HEAD, "back-silent", "response"},
        {END_LIMIT, MOMENT_SENT, "limit", "wait"},
        {END_DRAIN, MOMENT_SENT, "drain", "wait"},
    };
    struct exchange *x = &bed.x;
    struct story whole = x->story;
    x->response_ended = false;
    x->response.body = BODY_STREAM;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        x->story = whole;
        for (unsigned m = cases[i].last + 1; m < MOMENT_COUNT; m++)
            x->story.at_us[m] = 0;
        story_ends(&x->story, cases[i].end);
        story_ends(&x->story, END_CLIENT_GONE); /* who comes later knows less */
        assert_string_equal(member(line(true), "end"), cases[i].name);
        assert_string_equal(member(line(true), "phase"), cases[i].phase);
    }
    x->story.end = END_CLIENT_RESET;
    x->story.reset = 8;
    assert_non_null(strstr(line(false), " end=client-reset phase=wait reset=8\n"));
    x->story.page = PAGE_BACK_SILENT + 1;
    assert_string_equal(member(line(true), "page"), "backend-silent");
}

static void test_values_cannot_forge(void **state)
{
    bed.x.request.path = SPAN_LIT("/\"},{\"x\":\"\\\n\x1b[31m\xff\x7f");
    assert_string_equal(member(line(true), "path"), "/\"},{\"x\":\"\\\n\x1b[31m\xc3\xbf\x7f");
    for (const char *p = line(true); p[1]; p++)
        assert_true(*p >= ' ' && *p < 0x7f);
    assert_non_null(
        strstr(line(false), "path=\"/\\\"},{\\\"x\\\":\\\"\\\\\\x0a\\x1b[31m\\xff\\x7f\""));
}

static void test_long_values_are_cut(void **state)
{
    static char evil[100000];
    memset(evil, '\x01', sizeof evil);
    struct span s = {evil, sizeof evil};
    struct exchange *x = &bed.x;
    x->request.path = x->request.method_text = x->host = x->route.session_name = x->route.service =
        s;
    fields_find(&x->request.fields, FIELD_X_REQUEST_ID)->value = s;
    fields_find(&x->request.fields, FIELD_USER_AGENT)->value = s;
    fields_find(&x->request.fields, FIELD_TRACEPARENT)->value = s;
    x->story = (struct story){.started_us = 1,
                              .reset = UINT32_MAX,
                              .attempts = UINT16_MAX,
                              .page = PAGE_METHOD_UNSUPPORTED + 1,
                              .end = END_CLIENT_RESET,
                              .protocol = PROTOCOL_H1,
                              .pooled = true,
                              .secured = true,
                              .fallback = true};
    for (unsigned m = 0; m < MOMENT_COUNT; m++)
        x->story.at_us[m] = m % 2 ? UINT64_MAX : 1;
    x->request_bytes = x->response_bytes = INT64_MAX;
    x->response_ended = false;
    x->response.body = BODY_STREAM;
    member(line(true), "path");
    line(false);
    line_as(ACCESS_COMBINED);
    memset(evil, 'a', sizeof evil);
    assert_int_equal(strspn(member(line(true), "path"), "a"), strlen(member(line(true), "path")));
    assert_true(strlen(member(line(true), "path")) > 1200);
}

static void test_combined(void **state)
{
    struct exchange *x = &bed.x;
    assert_ok(fields_add_id(&x->request.fields, &bed.arena, FIELD_REFERER,
                            SPAN_LIT("https://a.test/b?token=secret")));
    const char *expected = "192.0.2.7 - - [01/May/2026:10:00:00 +0000] \"GET /a/b HTTP/2.0\" 200 "
                           "1234567 \"https://a.test/b\" \"a b\" host=web.gecko.dev.example.com "
                           "tls=TLSv1.3 resumed=true request_id=0123 "
                           "trace_id=0af7651916cd43dd8448eb211c80319c session=gecko ";
    assert_memory_equal(line_as(ACCESS_COMBINED), expected, strlen(expected));
    assert_null(strstr(bed.line, "secret"));
    assert_non_null(strstr(bed.line, " end=complete\n"));

    x->http2 = false;
    x->request.path = SPAN_LIT("/\" 200 1 \"\n\x1b");
    line_as(ACCESS_COMBINED);
    assert_non_null(strstr(bed.line, "] \"GET /\\\" 200 1 \\\"\\x0a\\x1b HTTP/1.1\" 200 "));
    memset(&x->request, 0, sizeof x->request);
    line_as(ACCESS_COMBINED);
    assert_non_null(strstr(bed.line, "] \"-\" 200 1234567 \"-\" \"-\" host="));
}

/* --- the log ------------------------------------------------------------------------------------- */

static struct config_log to_file(void)
{
    return (struct config_log){.json = true, .access = ACCESS_FILE, .access_file = bed.file};
}

static void open_log(const struct config_log *c)
{
    bed.writer = access_writer_new(c);
    bed.log = access_log_new(bed.loop, bed.writer, &bed.metrics, c);
}

static void write_lines(size_t n)
{
    while (n-- > 0)
        access_log_write(bed.log, &bed.x);
}

/* What was written has been written out, or given up. */
static void close_log(void)
{
    access_log_free(bed.log);
    access_writer_free(bed.writer);
}

static uint64_t count_of(enum metric_id id)
{
    return atomic_load(&bed.metrics.value[id]);
}

static size_t lines_of(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.p[i] == '\n';
    assert_true(s.len == 0 || s.p[s.len - 1] == '\n');
    return n;
}

/* How many whole lines the file has. */
static size_t lines_in(const char *file)
{
    char *data = NULL;
    size_t len = 0;
    assert_ok(file_read(file, 64 * 1024 * 1024, &data, &len));
    size_t n = lines_of(span_of(data, len));
    mem_free(data);
    return n;
}

static void test_off_is_nothing(void **state)
{
    struct config_log c = {.access = ACCESS_OFF};
    open_log(&c);
    write_lines(1);
    assert_int_equal(count_of(METRIC_ACCESS_LINES), 0);
    close_log();
    access_log_write(NULL, &bed.x);
    access_log_free(NULL);
    access_log_configure(NULL, &c);
}

static void test_lines_gather_and_leave(void **state)
{
    struct config_log c = to_file();
    open_log(&c);
    write_lines(1);
    assert_int_equal(lines_in(bed.file), 0);
    ev_run(bed.loop, 0); /* until the timer has nothing more to do */
    while (lines_in(bed.file) == 0)
        sched_yield();
    close_log();
    assert_int_equal(lines_in(bed.file), 1);
    assert_int_equal(count_of(METRIC_ACCESS_LINES), 1);
}

static void test_a_full_chunk_does_not_wait(void **state)
{
    struct config_log c = to_file();
    open_log(&c);
    write_lines(100);
    while (lines_in(bed.file) < 40)
        sched_yield();
    close_log();
    assert_int_equal(lines_in(bed.file), 100);
}

static void test_files_are_added_to_and_reopened(void **state)
{
    struct config_log c = to_file();
    open_log(&c);
    write_lines(1);
    ev_run(bed.loop, 0);
    char moved[sizeof bed.file + 2];
    snprintf(moved, sizeof moved, "%s.1", bed.file);
    assert_int_equal(rename(bed.file, moved), 0);
    access_writer_reopen(bed.writer, &c);
    write_lines(1);
    close_log();
    assert_int_equal(lines_in(moved), 1);
    assert_int_equal(lines_in(bed.file), 1);
    open_log(&c);
    write_lines(1);
    close_log();
    assert_int_equal(lines_in(bed.file), 2);

    struct stat st;
    assert_int_equal(stat(bed.file, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
}

/* Without a file lines are lost and counted, until one can be opened; a wrong one leaves what there is. */
static void test_a_file_that_cannot_be(void **state)
{
    struct config_log c = to_file(), wrong = c;
    wrong.access_file = "/nonexistent/access";
    open_log(&wrong);
    write_lines(3);
    ev_run(bed.loop, 0);
    access_writer_reopen(bed.writer, &c);
    access_writer_reopen(bed.writer, &wrong);
    write_lines(2);
    close_log();
    assert_int_equal(lines_in(bed.file), 2);
}

static int open_fifo(struct config_log *c)
{
    *c = to_file();
    assert_int_equal(mkfifo(bed.file, 0600), 0);
    int reader = open(bed.file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    open_log(c);
    return reader;
}

static size_t drain(int reader)
{
    static char bytes[8 << 20];
    size_t n = 0;
    for (ssize_t got; (got = read(reader, bytes + n, sizeof bytes - n)) > 0;)
        n += (size_t)got;
    return lines_of(span_of(bytes, n));
}

/* Nobody reads the pipe: lines are kept up to the cap, then dropped; what entered it is whole. */
static void test_a_full_pipe_is_not_waited_for(void **state)
{
    struct config_log c;
    int reader = open_fifo(&c);
    write_lines(5000);
    assert_true(count_of(METRIC_ACCESS_DROPPED) > 4000);
    assert_int_equal(count_of(METRIC_ACCESS_DROPPED) + count_of(METRIC_ACCESS_LINES), 5000);
    close_log();
    size_t n = drain(reader);
    assert_true(n > 50 && n <= count_of(METRIC_ACCESS_LINES));
    close(reader);
}

/* Once somebody reads again, what was kept comes, and then what is new. */
static void test_a_pipe_that_is_read_again(void **state)
{
    struct config_log c;
    int reader = open_fifo(&c);
    write_lines(5000);
    size_t n = drain(reader);
    for (size_t kept = count_of(METRIC_ACCESS_LINES); n < kept; n += drain(reader))
        sched_yield();
    write_lines(1);
    close_log();
    assert_int_equal(drain(reader), 1);
    close(reader);
}

static void test_a_closed_pipe_is_no_harm(void **state)
{
    struct config_log c;
    close(open_fifo(&c));
    write_lines(200);
    close_log();
}

/* A file that has no more room tears a line: the next one begins on a line of its own. */
static void test_a_full_disk(void **state)
{
    struct config_log c = to_file();
    struct rlimit small = {10000, RLIM_INFINITY}, before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    open_log(&c);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    write_lines(100);
    ev_run(bed.loop, 0);
    struct stat st = {0};
    while (st.st_size < 10000)
        assert_int_equal(stat(bed.file, &st), 0);
    access_writer_reopen(bed.writer, &(struct config_log){.access = ACCESS_OFF}); /* in its turn */
    access_log_free(bed.log);
    access_writer_free(bed.writer);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    char *data = NULL;
    size_t len = 0;
    assert_ok(file_read(bed.file, 1 << 20, &data, &len));
    assert_int_equal(len, 10000);
    mem_free(data);
}

/* The sink alone, where the moment of each call is the test's. */
static void test_torn_lines_end(void **state)
{
    struct config_log c = to_file();
    struct access_sink s;
    access_sink_init(&s);
    assert_ok(access_sink_open(&s, &c));
    assert_int_equal(access_sink_write(&s, SPAN_LIT("torn")), 4);
    access_sink_give_up(&s, true);
    assert_int_equal(access_sink_write(&s, SPAN_LIT("whole\n")), 6);
    access_sink_give_up(&s, false);
    assert_int_equal(access_sink_write(&s, SPAN_LIT("next\n")), 5);
    access_sink_close(&s);
    char *data = NULL;
    size_t len = 0;
    assert_ok(file_read(bed.file, 1 << 20, &data, &len));
    assert_string_equal(data, "torn\nwhole\nnext\n");
    mem_free(data);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as linkupd does */
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        T(test_json),
        T(test_text),
        T(test_what_is_not_known_is_not_said),
        T(test_places_and_ends),
        T(test_who_broke_it_off_and_where),
        T(test_values_cannot_forge),
        T(test_long_values_are_cut),
        T(test_combined),
        T(test_off_is_nothing),
        T(test_lines_gather_and_leave),
        T(test_a_full_chunk_does_not_wait),
        T(test_files_are_added_to_and_reopened),
        T(test_a_file_that_cannot_be),
        T(test_a_full_pipe_is_not_waited_for),
        T(test_a_pipe_that_is_read_again),
        T(test_a_closed_pipe_is_no_harm),
        T(test_a_full_disk),
        T(test_torn_lines_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
