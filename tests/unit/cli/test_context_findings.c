/* What follows from the requests of one trace that an edge has seen. */
#include "cli/context_findings.h"

#include <stdlib.h>

#include "support/test.h"

static struct cli cli;
static struct doctor doctor;

static int setup(void **state)
{
    memset(&cli, 0, sizeof cli);
    arena_init(&cli.arena, NULL, 0, (size_t)1 << 22);
    doctor_init(&doctor, &cli);
    return 0;
}

static int teardown(void **state)
{
    arena_deinit(&cli.arena);
    return 0;
}

/* A request: hop, caller, service, session, by what, who answered, "p" and "x" for the fields that carried
 * it, when it began and ended (0: it has not), status. */
struct row {
    const char *hop, *caller, *service, *session, *from, *backend, *carried;
    int began, ended, status;
};

#define WEB                                                                                        \
    {                                                                                              \
        "w", "", "web", "peter", "host", "shared", "px", 0, 100, 200                               \
    }

static json_t *text(const char *s)
{
    return *s ? json_string(s) : json_null();
}

static json_t *number(int n)
{
    return n ? json_integer(n) : json_null();
}

static json_t *sighting(const struct row *r)
{
    json_t *carried = json_array();
    if (strchr(r->carried, 'p'))
        json_array_append_new(carried, json_string("traceparent"));
    if (strchr(r->carried, 'x'))
        json_array_append_new(carried, json_string("x-request-id"));
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:i, s:o, s:o}", "hop", r->hop,
                     "caller", text(r->caller), "host", "host.test", "service", text(r->service),
                     "session", text(r->session), "from", r->from, "backend", text(r->backend),
                     "carried", carried, "began_us", r->began, "ended_us", number(r->ended),
                     "status", number(r->status));
}

static char said[8192], advice[8192];

static void find_of(const struct row *rows, size_t n, json_int_t missed)
{
    static const char marks[] = {[WELL] = '+', [DOUBTFUL] = '?', [ILL] = '!', [UNCHECKED] = '-'};
    json_t *list = json_array(), *own = json_pack("{s:{}}", "auth");
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, sighting(&rows[i]));
    context_find(&doctor, &(struct context_seen){
                              .session = "peter", .sightings = list, .own = own, .missed = missed});
    said[0] = advice[0] = '\0';
    for (const struct finding *f = doctor.first; f; f = f->next) {
        size_t at = strlen(said), more = strlen(advice);
        snprintf(said + at, sizeof said - at, "%c %s\n", marks[f->verdict], f->text);
        if (f->advice)
            snprintf(advice + more, sizeof advice - more, "%s\n", f->advice);
    }
    json_decref(list);
    json_decref(own);
}

#define FIND(...)                                                                                  \
    find_of((const struct row[]){__VA_ARGS__},                                                     \
            sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row), 0)

static size_t count(const char *in, const char *what)
{
    size_t n = 0;
    for (const char *at = in; (at = strstr(at, what)); at++)
        n++;
    return n;
}

#define FIRST "+ web received the context, and answered 200\n"

static void all_hand_it_on(void **state)
{
    FIND(WEB, {"a", "w", "api", "peter", "baggage", "shared", "p", 10, 50, 200},
         {"b", "a", "auth", "peter", "tracestate", "session", "p", 20, 30, 200},
         {"c", "w", "auth", "peter", "host", "session", "x", 60, 70, 200});
    assert_string_equal(said, FIRST "+ web -> api: in the session, by baggage\n"
                                    "+ api -> auth: in the session, by tracestate\n"
                                    "+ web -> auth: in the session, by its host\n"
                                    "- no calls were seen of auth\n");
}

static void one_loses_it(void **state)
{
    FIND(WEB, {"a", "w", "api", "peter", "baggage", "shared", "p", 10, 90, 200},
         {"b", "a", "auth", "", "none", "shared", "p", 20, 80, 200},
         {"c", "b", "users", "", "none", "shared", "p", 30, 40, 200});
    assert_string_equal(said, FIRST
                        "+ web -> api: in the session, by baggage\n"
                        "! api -> auth: without the session's context; the shared copy answered, "
                        "not the session's own\n"
                        "- auth -> users: outside the session, as auth was called\n");
    assert_int_equal(count(advice, "api passes traceparent on, but neither baggage nor tracestate"),
                     1);
    assert_int_equal(count(advice, "auth"), 0);
}

/* Whom each of its calls reaches is a line, how to mend it is said once. */
static void one_that_loses_it_often(void **state)
{
    FIND(WEB, {"a", "w", "api", "", "none", "shared", "x", 10, 20, 200},
         {"b", "w", "auth", "", "none", "shared", "x", 30, 40, 200},
         {"c", "w", "api", "", "none", "shared", "x", 50, 60, 201},
         {"d", "w", "api", "", "none", "shared", "x", 50, 60, 500});
    assert_string_equal(
        said, FIRST
        "! web -> api, 2 times: without the session's context; the shared copy, as it happens, is "
        "right\n"
        "! web -> auth: without the session's context; the shared copy answered, not the session's "
        "own\n"
        "! web -> api: without the session's context; the shared copy, as it happens, is right; it "
        "answered 500\n");
    assert_int_equal(count(advice, "web passes x-request-id on, and nothing else"), 1);
}

/* Spans of its own: who was busy is asked instead. */
static void whose_call_it_is_when_it_does_not_say(void **state)
{
    FIND(WEB, {"a", "s1", "api", "peter", "baggage", "shared", "p", 10, 50, 200},
         {"b", "s2", "auth", "", "none", "shared", "p", 20, 30, 200},
         {"c", "", "auth", "", "none", "shared", "p", 60, 70, 200},
         {"d", "s3", "auth", "", "none", "shared", "p", 200, 210, 200});
    assert_non_null(strstr(said, "+ web -> api: in the session"));
    assert_non_null(strstr(said, "! api (perhaps) -> auth: without"));
    assert_non_null(strstr(said, "! web -> auth: without"));
    assert_non_null(strstr(said, "! somebody -> auth: without"));
    assert_non_null(strstr(advice, "whoever calls it passes traceparent on"));
}

static void another_session(void **state)
{
    FIND(WEB, {"a", "w", "api", "mary", "host", "shared", "p", 10, 20, 200},
         {"b", "w", "auth", "gone", "host", "", "p", 30, 40, 404});
    assert_non_null(
        strstr(said, "! web -> api: without the session's context; in \"mary\" instead\n"));
    assert_non_null(strstr(said, "in \"gone\" instead; it answered 404\n"));
}

static void found_by_chance(void **state)
{
    FIND(WEB, {"a", "w", "api", "peter", "referer", "shared", "x", 10, 20, 200},
         {"b", "w", "auth", "peter", "origin", "session", "p", 30, 40, 200});
    assert_non_null(strstr(said, "? web -> api: in the session, by referer only\n"));
    assert_non_null(strstr(said, "? web -> auth: in the session, by origin only\n"));
    assert_int_equal(count(advice, "OTEL_PROPAGATORS"), 2); /* they are lost in two ways */
}

static void the_request_itself(void **state)
{
    FIND({"w", "", "web", "peter", "host", "shared", "p", 0, 10, 502});
    assert_string_equal(said, "? web received the context, and answered 502\n"
                              "- no calls were seen of web\n");
    doctor_init(&doctor, &cli);
    FIND({"w", "", "web", "peter", "host", "shared", "p", 0, 0, 0});
    assert_non_null(strstr(said, "? web received the context, and has not answered\n"));
    doctor_init(&doctor, &cli);
    FIND({"w", "", "", "", "none", "", "p", 0, 1, 404});
    assert_string_equal(said, "! host.test was not asked in the session\n");
    doctor_init(&doctor, &cli);
    find_of(NULL, 0, 0);
    assert_string_equal(said, "! the request did not come to this edge\n");
}

static void there_were_more(void **state)
{
    static const struct row web = WEB;
    find_of(&web, 1, 7);
    assert_non_null(strstr(said, "- 7 requests more than the edge keeps\n"));
}

/* An edge that says less, or something else, is no reason to fall over. */
static void what_is_no_sighting(void **state)
{
    json_t *list = json_loads("[{}, 7, null, {\"hop\": 3, \"caller\": [], \"carried\": \"x\", "
                              "\"began_us\": \"soon\", \"status\": \"ok\"}]",
                              0, NULL);
    assert_non_null(list);
    context_find(&doctor, &(struct context_seen){.session = "peter", .sightings = list});
    assert_int_equal(doctor.first->verdict, ILL);
    json_decref(list);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_hand_it_on),          TEST(one_loses_it),
        TEST(one_that_loses_it_often), TEST(whose_call_it_is_when_it_does_not_say),
        TEST(another_session),         TEST(found_by_chance),
        TEST(the_request_itself),      TEST(there_were_more),
        TEST(what_is_no_sighting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
