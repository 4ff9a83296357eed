/* Watches over the API: whose they are, when they are answered, and how they end unasked. */
#include <ev.h>

#include "sessions/api_internal.h"
#include "unit/sessions/api_bed.h"

#define WEB "{\"name\":\"gecko\",\"services\":{\"web\":{\"url\":\"https://web-1.example.net\"}}}"
#define GECKO "{\"session\":\"gecko\"}"

struct bed {
    struct api_bed *api;
    char maker[64], other[64];
};

static int set_up(void **state)
{
    struct bed *b = mem_zalloc(sizeof *b);
    b->api = abed_new("");
    abed_token(b->api, "maker", "session", b->maker);
    abed_token(b->api, "other", "session", b->other);
    assert_int_equal(abed_status_of(b->api, "POST", "/v1/sessions", b->maker, WEB), 201);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *b = *state;
    abed_free(b->api);
    mem_free(b);
    return 0;
}

/* A watch of TOKEN's; the call that ends it. */
static void begin(struct bed *b, const char *token, char path[96])
{
    int status;
    json_t *answer = abed_call(b->api, "POST", "/v1/watches", token, GECKO, &status);
    assert_int_equal(status, 201);
    const char *id = json_string_value(json_object_get(answer, "trace_id"));
    assert_string_equal(id, b->api->watch.trace);
    snprintf(path, 96, "/v1/watches/%s", id);
    json_decref(answer);
}

static void it_tells_what_was_seen_once(void **state)
{
    struct bed *b = *state;
    char path[96];
    int status;
    begin(b, b->maker, path);
    json_t *answer = abed_call(b->api, "DELETE", path, b->maker, NULL, &status);
    assert_int_equal(status, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "sightings")), 1);
    assert_non_null(strstr(path, json_string_value(json_object_get(answer, "trace_id"))));
    json_decref(answer);
    assert_int_equal(abed_status_of(b->api, "DELETE", path, b->maker, NULL), 404);
    assert_int_equal(b->api->watch.ended, 1);
}

static void others_cannot_read_it(void **state)
{
    struct bed *b = *state;
    char path[96];
    begin(b, b->maker, path);
    assert_int_equal(abed_status_of(b->api, "DELETE", path, b->other, NULL), 404);
    assert_int_equal(abed_status_of(b->api, "DELETE", path, b->api->admin, NULL), 404);
    assert_int_equal(b->api->watch.ended, 0);
    assert_int_equal(abed_status_of(b->api, "DELETE", path, b->maker, NULL), 200);
}

static void there_are_so_many(void **state)
{
    struct bed *b = *state;
    char path[96];
    for (int i = 0; i < WATCHES_OF_TOKEN_MAX; i++)
        begin(b, b->maker, path);
    assert_int_equal(abed_status_of(b->api, "POST", "/v1/watches", b->maker, GECKO), 503);
    assert_int_equal(b->api->watch.begun, WATCHES_OF_TOKEN_MAX);
    begin(b, b->api->admin, path);
}

static void it_is_answered_when_every_worker_has_it(void **state)
{
    struct bed *b = *state;
    struct test_call t;
    char auth[128];
    b->api->watch.waits = true;
    call_init(&t, "POST", "/v1/watches", GECKO);
    call_set_token(&t, b->maker, auth);
    api_handle(b->api->api, &t.call);
    assert_int_equal(t.heads, 0);
    b->api->watch.on_begun(b->api->watch.begun_ctx);
    assert_int_equal(t.status, 201);
    assert_non_null(strstr(t.fields, "location: /v1/watches/"));
    call_free(&t);
}

/* Nobody knows its id: nobody could end it. */
static void who_has_gone_watches_nothing(void **state)
{
    struct bed *b = *state;
    struct test_call t;
    char auth[128];
    b->api->watch.waits = true;
    call_init(&t, "POST", "/v1/watches", GECKO);
    call_set_token(&t, b->maker, auth);
    api_handle(b->api->api, &t.call);
    api_cancel(&t.call);
    b->api->watch.on_begun(b->api->watch.begun_ctx);
    assert_int_equal(b->api->watch.ended, 1);
    b->api->watch.on_ended(b->api->watch.ended_ctx, abed_seen());
    assert_int_equal(t.heads, 0);
    call_free(&t);
}

static void what_was_seen_is_let_go_when_nobody_waits(void **state)
{
    struct bed *b = *state;
    struct test_call t;
    char auth[128], path[96];
    begin(b, b->maker, path);
    b->api->watch.waits = true;
    call_init(&t, "DELETE", path, NULL);
    call_set_token(&t, b->maker, auth);
    api_handle(b->api->api, &t.call);
    api_cancel(&t.call);
    b->api->watch.on_ended(b->api->watch.ended_ctx, abed_seen());
    assert_int_equal(t.heads, 0);
    call_free(&t);
}

static void its_time_is_over(void **state)
{
    struct bed *b = *state;
    struct api *a = b->api->api;
    char first[96], second[96];
    begin(b, b->maker, first);
    begin(b, b->maker, second);
    assert_true(ev_is_active(&a->watch_expiry));
    assert_true(ev_timer_remaining(a->loop, &a->watch_expiry) > 0);
    a->watches.v[0].ends_ms = 0;
    ev_invoke(a->loop, &a->watch_expiry, EV_TIMER);
    assert_int_equal(b->api->watch.ended, 1);
    assert_non_null(strstr(first, b->api->watch.trace));
    assert_int_equal(abed_status_of(b->api, "DELETE", first, b->maker, NULL), 404);
    assert_true(ev_is_active(&a->watch_expiry));
    assert_int_equal(abed_status_of(b->api, "DELETE", second, b->maker, NULL), 200);
    assert_false(ev_is_active(&a->watch_expiry));
}

/* Both answers are still under way when the edge ends. */
static void the_end_of_the_edge(void **state)
{
    struct bed *b = *state;
    struct test_call began, ended;
    char auth[128], path[96];
    begin(b, b->maker, path);
    b->api->watch.waits = true;
    call_init(&began, "POST", "/v1/watches", GECKO);
    call_set_token(&began, b->maker, auth);
    api_handle(b->api->api, &began.call);
    call_init(&ended, "DELETE", path, NULL);
    call_set_token(&ended, b->maker, auth);
    api_handle(b->api->api, &ended.call);
    api_free(b->api->api);
    b->api->api = NULL;
    assert_int_equal(began.status, 503);
    assert_int_equal(ended.status, 503);
    b->api->watch.on_begun(b->api->watch.begun_ctx);
    b->api->watch.on_ended(b->api->watch.ended_ctx, abed_seen());
    call_free(&began);
    call_free(&ended);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_tells_what_was_seen_once),
        TEST(others_cannot_read_it),
        TEST(there_are_so_many),
        TEST(it_is_answered_when_every_worker_has_it),
        TEST(who_has_gone_watches_nothing),
        TEST(what_was_seen_is_let_go_when_nobody_waits),
        TEST(its_time_is_over),
        TEST(the_end_of_the_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
