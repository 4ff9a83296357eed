/* Watched traces: which requests belong to one, what is noted of them, and what goes on to the backend. */
#include "proxy/watch.h"

#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define OTHER "1af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define REQUEST(fields) "GET /x HTTP/1.1\r\nhost: web.z.test\r\n" fields "\r\n"
#define OK "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

static struct exchange_bed bed;

static int set_up(void **state)
{
    bed_init(&bed);
    bed_start(&bed);
    return 0;
}

static int tear_down(void **state)
{
    bed_settle(&bed);
    bed_stop(&bed);
    bed_deinit(&bed);
    return 0;
}

static void ask(const char *request)
{
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    bed_say(&bed, request);
}

/* What the backend got, from NAME's value on. */
static struct span sent(const char *name)
{
    struct span s = buf_span(&bed.backs[bed.n_backs - 1].got), line;
    while (span_split(&s, '\n', &line))
        if (span_starts(line, span_str(name)) && line.p[strlen(name)] == ':')
            return span_trim(span_sub(line, strlen(name) + 1, line.len - strlen(name) - 2));
    return span_of(NULL, 0);
}

static struct sightings seen(const char *trace)
{
    struct sightings s;
    proxy_unwatch(bed.proxy, trace, &s);
    return s;
}

static void one_is_noted_and_marked(void **state)
{
    proxy_watch(bed.proxy, TRACE);
    ask(REQUEST("traceparent: 00-" TRACE "-" PARENT "-00\r\nbaggage: a=1\r\ntracestate: b=2\r\n"));
    char text[128];
    struct front *front = bed_front(bed.proxy->fronts);
    const struct sighting *s = bed_first_exchange(&bed, front)->sighting;
    assert_non_null(s);
    snprintf(text, sizeof text, "00-" TRACE "-%s-00", s->hop);
    assert_true(span_eq(sent("traceparent"), span_str(text)));
    snprintf(text, sizeof text, TRACE "-%s", s->hop);
    assert_true(span_eq(sent("x-request-id"), span_str(text)));
    snprintf(text, sizeof text, "linkup-hop=%s,a=1", s->hop);
    assert_true(span_eq(sent("baggage"), span_str(text)));
    snprintf(text, sizeof text, "linkup-hop=%s,b=2", s->hop);
    assert_true(span_eq(sent("tracestate"), span_str(text)));

    bed_answer(&bed, 0, OK);
    struct sightings all = seen(TRACE);
    assert_int_equal(all.n, 1);
    assert_null(all.first->next);
    assert_null(all.first->exchange);
    assert_int_equal(all.first->status, 200);
    assert_int_equal(all.first->marks, WATCH_TRACEPARENT);
    assert_string_equal(all.first->host, "web.z.test");
    assert_string_equal(all.first->service, "web");
    assert_string_equal(all.first->session, "");
    assert_string_equal(all.first->caller, PARENT);
    assert_int_equal(all.first->source, SESSION_NONE);
    assert_true(all.first->ended_us >= all.first->began_us && all.first->began_us > 0);
    sightings_deinit(&all);
    assert_null(bed.proxy->watches);
}

static const struct {
    const char *fields;
    unsigned marks; /* 0: it is not of the trace */
    const char *caller;
} kinds[] = {
    {"", 0, ""},
    {"traceparent: 00-" OTHER "-" PARENT "-01\r\n", 0, ""},
    {"traceparent: 00-" TRACE "-" PARENT "\r\n", 0, ""},
    {"traceparent: 00-" TRACE "-" PARENT "-01\r\ntraceparent: 00-" TRACE "-" PARENT "-01\r\n", 0,
     ""},
    {"x-request-id: 12" TRACE "\r\n", 0, ""},
    {"baggage: linkup-hop=" PARENT "\r\n", 0, ""},
    {"x-request-id: " TRACE "\r\n", WATCH_REQUEST_ID, ""},
    {"x-request-id: " TRACE "-" PARENT "\r\n", WATCH_REQUEST_ID, PARENT},
    {"x-request-id: " TRACE "-" PARENT "\r\ntraceparent: 00-" OTHER "-0000000000000001-01\r\n",
     WATCH_REQUEST_ID, PARENT},
    {"traceparent: 00-" TRACE "-0000000000000001-01\r\nx-request-id: " TRACE "-" PARENT "\r\n",
     WATCH_REQUEST_ID | WATCH_TRACEPARENT, PARENT},
    {"traceparent: 00-" TRACE "-0000000000000001-01\r\ntracestate: a=1, linkup-hop=" PARENT "\r\n",
     WATCH_TRACEPARENT, PARENT},
    {"traceparent: 00-" TRACE "-0000000000000001-01\r\ntracestate: linkup-hop=0000000000000002\r\n"
     "baggage: b=1\r\nbaggage: linkup-hop = " PARENT " ; p=1\r\n",
     WATCH_TRACEPARENT, PARENT},
    /* What is no hop names nobody. */
    {"x-request-id: " TRACE "-" PARENT PARENT "\r\n", WATCH_REQUEST_ID, ""},
    {"x-request-id: " TRACE "-B7AD6B7169203331\r\n", WATCH_REQUEST_ID, ""},
    {"x-request-id: " TRACE "-" PARENT "\r\nbaggage: linkup-hop=\xff\xfe\r\n", WATCH_REQUEST_ID,
     PARENT},
    {"x-request-id: " TRACE "\r\nbaggage: linkup-hop\r\n", WATCH_REQUEST_ID, ""},
    {"traceparent: 00-" TRACE "-" PARENT "-01\r\nbaggage: linkup-hop=\r\n", WATCH_TRACEPARENT,
     PARENT},
};

static void which_belong_to_it(void **state)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char text[1024];
        proxy_watch(bed.proxy, TRACE);
        bed_client_open(&bed, 0, LISTEN_HTTPS, false);
        snprintf(text, sizeof text, "GET /x HTTP/1.1\r\nhost: web.z.test\r\n%s\r\n",
                 kinds[i].fields);
        bed_say(&bed, text);
        struct sightings all = seen(TRACE);
        assert_int_equal(all.n, kinds[i].marks ? 1 : 0);
        if (all.first) {
            assert_int_equal(all.first->marks, kinds[i].marks);
            assert_string_equal(all.first->caller, kinds[i].caller);
            assert_int_equal(all.first->status, 0);
            assert_int_equal(all.first->ended_us, 0);
        }
        sightings_deinit(&all);
        bed_stop(&bed);
        bed_start(&bed);
    }
}

/* The edge's own answer is an answer, too. */
static void what_has_no_backend_is_noted(void **state)
{
    proxy_watch(bed.proxy, TRACE);
    ask("GET / HTTP/1.1\r\nhost: web.gone.z.test\r\nx-request-id: " TRACE "\r\n\r\n");
    struct sightings all = seen(TRACE);
    assert_int_equal(all.n, 1);
    assert_string_equal(all.first->session, "gone");
    assert_int_equal(all.first->outcome, ROUTE_UNKNOWN_SESSION);
    assert_int_equal(all.first->status, 404);
    sightings_deinit(&all);
}

/* Its status is known, its end is not. */
static void one_that_has_begun_to_answer(void **state)
{
    proxy_watch(bed.proxy, TRACE);
    ask(REQUEST("x-request-id: " TRACE "\r\n"));
    bed_answer(&bed, 0, "HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nab");
    struct sightings all = seen(TRACE);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.first->status, 201);
    assert_int_equal(all.first->ended_us, 0);
    sightings_deinit(&all);
    bed_answer(&bed, 0, "cde");
    assert_int_equal(bed_count(&bed.clients[0], "abcde"), 1);
}

static void one_under_way_outlives_its_watch(void **state)
{
    proxy_watch(bed.proxy, TRACE);
    ask(REQUEST("x-request-id: " TRACE "\r\n"));
    struct sightings all = seen(TRACE);
    assert_int_equal(all.n, 1);
    sightings_deinit(&all);
    bed_answer(&bed, 0, OK);
    assert_int_equal(bed_count(&bed.clients[0], "200 OK"), 1);
}

static void each_has_its_own(void **state)
{
    proxy_watch(bed.proxy, TRACE);
    proxy_watch(bed.proxy, OTHER);
    ask(REQUEST("x-request-id: " TRACE "\r\n"));
    bed_answer(&bed, 0, OK);
    struct sightings all = seen(OTHER);
    assert_int_equal(all.n, 0);
    all = seen(OTHER); /* it is not watched any more */
    assert_int_equal(all.n, 0);
    all = seen(TRACE);
    assert_int_equal(all.n, 1);
    sightings_deinit(&all);
}

static void there_is_an_end_to_it(void **state)
{
    proxy_watch(bed.proxy, TRACE);
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    for (int i = 0; i < WATCH_SIGHTINGS_MAX + 3; i++) {
        bed_say(&bed, REQUEST("x-request-id: " TRACE "\r\n"));
        bed_answer(&bed, 0, OK);
    }
    struct sightings all = seen(TRACE);
    assert_int_equal(all.n, WATCH_SIGHTINGS_MAX);
    assert_int_equal(all.missed, 3);
    sightings_deinit(&all);
}

/* The proxy goes while something is watched, and while what is watched is under way. */
static void it_ends_with_the_worker(void **state)
{
    proxy_watch(bed.proxy, TRACE);
    proxy_watch(bed.proxy, OTHER);
    ask(REQUEST("x-request-id: " TRACE "\r\n"));
    assert_int_equal(bed.n_backs, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_is_noted_and_marked),
        TEST(which_belong_to_it),
        TEST(what_has_no_backend_is_noted),
        TEST(one_that_has_begun_to_answer),
        TEST(one_under_way_outlives_its_watch),
        TEST(each_has_its_own),
        TEST(there_is_an_end_to_it),
        TEST(it_ends_with_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
