#include "sessions/events.h"
#include "unit/sessions/api_bed.h"

#define WEB "{\"services\":{\"web\":{\"url\":\"https://web-1.example.net\"}}}"

struct listener {
    struct test_call t;
    char auth[128];
};

static int set_up(void **state)
{
    *state = abed_new("");
    return 0;
}

static int tear_down(void **state)
{
    abed_free(*state);
    return 0;
}

static void listen_from(struct api_bed *b, struct listener *l, const char *last_id)
{
    call_init(&l->t, "GET", "/v1/events", NULL);
    call_set_token(&l->t, b->admin, l->auth);
    l->t.call.last_event_id = span_str(last_id);
    api_handle(b->api, &l->t.call);
    assert_int_equal(l->t.status, 200);
    assert_int_equal(l->t.ends, 0);
    assert_non_null(strstr(l->t.fields, "content-type: text/event-stream\n"));
}

static void leave(struct listener *l)
{
    api_cancel(&l->t.call);
    call_free(&l->t);
}

static void say(struct api_bed *b, const char *what, int n)
{
    json_t *data = json_pack("{s:i}", "n", n);
    api_event(b->api, what, data);
    json_decref(data);
}

/* The last id that L was given. */
static void last_id(const struct listener *l, char out[64])
{
    const char *at = NULL, *next = l->t.body;
    while ((next = strstr(next, "id: "))) {
        at = next + 4;
        next = at;
    }
    assert_non_null(at);
    snprintf(out, 64, "%.*s", (int)strcspn(at, "\n"), at);
}

static void everyone_is_told(void **state)
{
    struct api_bed *b = *state;
    struct listener one, two;
    listen_from(b, &one, NULL);
    listen_from(b, &two, NULL);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/peter", b->admin, WEB), 201);
    assert_non_null(strstr(one.t.body, "event: session\ndata: {\"change\":\"created\",\"session\":{"
                                       "\"name\":\"peter\""));
    assert_string_equal(one.t.body, two.t.body);
    leave(&one);
    abed_status_of(b, "DELETE", "/v1/sessions/peter", b->admin, NULL);
    assert_non_null(strstr(two.t.body, "\"change\":\"deleted\""));
    leave(&two);
}

static void who_comes_back_misses_nothing(void **state)
{
    struct api_bed *b = *state;
    struct listener l;
    char id[64];
    listen_from(b, &l, NULL);
    say(b, "tunnel", 1);
    last_id(&l, id);
    leave(&l);
    say(b, "tunnel", 2);
    say(b, "tunnel", 3);
    listen_from(b, &l, id);
    assert_null(strstr(l.t.body, "{\"n\":1}"));
    assert_non_null(strstr(l.t.body, "data: {\"n\":2}\n\n"));
    assert_non_null(strstr(l.t.body, "data: {\"n\":3}\n\n"));
    assert_null(strstr(l.t.body, "event: reset"));
    leave(&l);
}

static void who_was_away_too_long_is_told_to_begin_anew(void **state)
{
    struct api_bed *b = *state;
    struct listener l;
    char id[64];
    listen_from(b, &l, NULL);
    say(b, "tunnel", 0);
    last_id(&l, id);
    leave(&l);
    for (int i = 0; i < EVENTS_KEPT; i++)
        say(b, "tunnel", i);
    listen_from(b, &l, id); /* just kept */
    assert_null(strstr(l.t.body, "event: reset"));
    leave(&l);
    say(b, "tunnel", -1);
    const char *const unknown[] = {id, "1-1", "x", "99999999999999999999-1"};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        listen_from(b, &l, unknown[i]);
        assert_non_null(strstr(l.t.body, "event: reset\n"));
        assert_null(strstr(l.t.body, "event: tunnel\n"));
        leave(&l);
    }
}

static void one_that_is_too_slow_is_ended(void **state)
{
    struct api_bed *b = *state;
    struct listener slow, quick;
    listen_from(b, &slow, NULL);
    listen_from(b, &quick, NULL);
    slow.t.pending = EVENTS_PENDING_MAX;
    say(b, "tunnel", 1);
    assert_int_equal(slow.t.ends, 1);
    assert_null(strstr(slow.t.body, "tunnel"));
    assert_int_equal(quick.t.ends, 0);
    say(b, "tunnel", 2);
    assert_non_null(strstr(quick.t.body, "{\"n\":2}"));
    leave(&slow); /* too late: nothing */
    leave(&quick);
}

static void a_line_end_cannot_be_smuggled_in(void **state)
{
    struct api_bed *b = *state;
    struct listener l;
    listen_from(b, &l, NULL);
    json_t *data = json_pack("{s:s}", "text", "a\n\nevent: forged\ndata: {}\n\n");
    api_event(b->api, "health", data);
    json_decref(data);
    assert_null(strstr(l.t.body, "\nevent: forged"));
    leave(&l);
}

static void a_revoked_token_hears_no_more(void **state)
{
    struct api_bed *b = *state;
    struct listener l, other;
    char secret[64], target[64];
    abed_token(b, "ci", "read", secret);
    listen_from(b, &other, NULL);
    call_init(&l.t, "GET", "/v1/events", NULL);
    call_set_token(&l.t, secret, l.auth);
    api_handle(b->api, &l.t.call);
    assert_int_equal(l.t.status, 200);

    int status;
    json_t *list = abed_call(b, "GET", "/v1/tokens", b->admin, NULL, &status), *token;
    size_t i;
    json_array_foreach(json_object_get(list, "tokens"), i,
                       token) if (strcmp(json_string_value(json_object_get(token, "name")), "ci") ==
                                  0) snprintf(target, sizeof target, "/v1/tokens/%s",
                                              json_string_value(json_object_get(token, "id")));
    json_decref(list);
    assert_int_equal(abed_status_of(b, "DELETE", target, b->admin, NULL), 204);
    assert_int_equal(l.t.ends, 1);
    assert_int_equal(other.t.ends, 0);
    leave(&l);
    leave(&other);
}

static void the_end_of_the_edge_ends_the_stream(void **state)
{
    struct api_bed *b = *state;
    struct listener l;
    listen_from(b, &l, NULL);
    api_free(b->api);
    assert_int_equal(l.t.ends, 1);
    b->api = NULL;
    call_free(&l.t);
}

static void head_is_told_the_kind_only(void **state)
{
    struct api_bed *b = *state;
    struct test_call t;
    char auth[128];
    call_init(&t, "HEAD", "/v1/events", NULL);
    call_set_token(&t, b->admin, auth);
    call_run(b, &t);
    assert_int_equal(t.status, 200);
    assert_non_null(strstr(t.fields, "content-type: text/event-stream\n"));
    assert_int_equal(t.len, 0);
}

/* The hub alone: what the timer does, and how many may listen. */

static void on_closed(struct api_call *c)
{
    c->end(c);
}

static void a_heartbeat_keeps_the_stream_alive(void **state)
{
    struct ev_loop *loop = ev_loop_new(0);
    struct events *v = events_new(loop);
    struct test_call t;
    call_init(&t, "GET", "/v1/events", NULL);
    struct events_listener *l = events_listen(v, &t.call, on_closed);
    size_t before = t.len;
    events_beat(v);
    assert_string_equal(t.body + before, ": still here\n\n");
    t.pending = EVENTS_PENDING_MAX;
    events_beat(v); /* it, too, finds the slow */
    assert_int_equal(t.ends, 1);
    assert_int_equal(events_listeners(v), 0);
    call_free(&t);
    (void)l;
    events_free(v);
    ev_loop_destroy(loop);
}

static void no_more_than_allowed(void **state)
{
    struct ev_loop *loop = ev_loop_new(0);
    struct events *v = events_new(loop);
    struct test_call *t = mem_zalloc((EVENTS_LISTENERS_MAX + 1) * sizeof *t);
    for (size_t i = 0; i < EVENTS_LISTENERS_MAX; i++) {
        call_init(&t[i], "GET", "/v1/events", NULL);
        assert_non_null(events_listen(v, &t[i].call, on_closed));
    }
    call_init(&t[EVENTS_LISTENERS_MAX], "GET", "/v1/events", NULL);
    assert_null(events_listen(v, &t[EVENTS_LISTENERS_MAX].call, on_closed));
    assert_int_equal(t[EVENTS_LISTENERS_MAX].heads, 0);
    events_free(v);
    for (size_t i = 0; i < EVENTS_LISTENERS_MAX; i++) {
        assert_int_equal(t[i].ends, 1);
        call_free(&t[i]);
    }
    mem_free(t);
    ev_loop_destroy(loop);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everyone_is_told),
        TEST(who_comes_back_misses_nothing),
        TEST(who_was_away_too_long_is_told_to_begin_anew),
        TEST(one_that_is_too_slow_is_ended),
        TEST(a_line_end_cannot_be_smuggled_in),
        TEST(a_revoked_token_hears_no_more),
        TEST(the_end_of_the_edge_ends_the_stream),
        TEST(head_is_told_the_kind_only),
        cmocka_unit_test(a_heartbeat_keeps_the_stream_alive),
        cmocka_unit_test(no_more_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
