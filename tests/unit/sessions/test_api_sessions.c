/* What the calls do: sessions from their making to their end, pages, tokens, failures, clients that
 * leave. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "unit/sessions/api_bed.h"

#define WEB "{\"services\":{\"web\":{\"url\":\"https://web-1.example.net\"}}}"

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

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    assert_non_null(text);
    return text;
}

static json_t *body_of(struct test_call *t)
{
    json_t *json = json_loads(t->body, 0, NULL);
    assert_non_null(json);
    call_free(t);
    return json;
}

static void run(struct api_bed *b, struct test_call *t, const char *method, const char *target,
                const char *body)
{
    char auth[128];
    call_init(t, method, target, body);
    call_set_token(t, b->admin, auth);
    call_run(b, t);
}

static void from_its_making_to_its_end(void **state)
{
    struct api_bed *b = *state;
    struct test_call t;
    run(b, &t, "POST", "/v1/sessions",
        "{\"name\":\"peter\",\"ttl\":\"1d\",\"services\":{\"web\":\"https://w.example.net\","
        "\"auth\":{\"tunnel\":true}}}");
    assert_int_equal(t.status, 201);
    assert_non_null(strstr(t.fields, "location: /v1/sessions/peter\n"));
    assert_non_null(strstr(t.fields, "etag: \"1\"\n"));
    assert_non_null(strstr(t.fields, "content-type: application/json\n"));
    json_t *made = body_of(&t);
    assert_string_equal(text_at(made, "name"), "peter");
    assert_string_equal(text_at(made, "owner"), "admin"); /* what the token is called */
    assert_string_equal(text_at(made, "ttl"), "1d");
    assert_string_equal(text_at(made, "expires"), "2027-01-16T08:00:00.000Z");
    json_t *urls = json_object_get(made, "urls");
    assert_string_equal(text_at(urls, "web"), "https://web.peter.dev.example.com");
    assert_string_equal(text_at(urls, "api"), "https://api.peter.dev.example.com");
    assert_string_equal(text_at(urls, "auth"), "https://auth.peter.dev.example.com");

    /* What was got may be put back. */
    json_object_set_new(made, "pinned", json_true());
    char *text = json_dumps(made, 0);
    json_decref(made);
    run(b, &t, "PUT", "/v1/sessions/peter", text);
    free(text);
    assert_int_equal(t.status, 200);
    assert_non_null(strstr(t.fields, "etag: \"2\"\n"));
    made = body_of(&t);
    assert_true(json_is_true(json_object_get(made, "pinned")));
    assert_true(json_is_null(json_object_get(made, "expires")));
    json_decref(made);

    run(b, &t, "PATCH", "/v1/sessions/peter",
        "{\"services\":{\"auth\":null,\"api\":{\"url\":\"http://"
        "a.example.net\"}},\"pinned\":null}");
    assert_int_equal(t.status, 200);
    made = body_of(&t);
    json_t *services = json_object_get(made, "services");
    assert_int_equal(json_object_size(services), 2);
    assert_non_null(json_object_get(services, "api"));
    assert_non_null(json_object_get(services, "web"));
    assert_true(json_is_false(json_object_get(made, "pinned")));
    json_decref(made);

    run(b, &t, "DELETE", "/v1/sessions/peter", NULL);
    assert_int_equal(t.status, 204);
    assert_int_equal(t.len, 0);
    assert_int_equal(abed_status_of(b, "GET", "/v1/sessions/peter", b->admin, NULL), 404);
    assert_string_equal(b->r.published, "+peter +peter +peter -peter ");
}

static void put_makes_what_is_not_there(void **state)
{
    struct api_bed *b = *state;
    struct test_call t;
    run(b, &t, "PUT", "/v1/sessions/peter", WEB);
    assert_int_equal(t.status, 201);
    assert_non_null(strstr(t.fields, "location: /v1/sessions/peter\n"));
    call_free(&t);
}

static void merge_patch_has_a_type_of_its_own(void **state)
{
    struct api_bed *b = *state;
    struct test_call t;
    char auth[128];
    abed_status_of(b, "PUT", "/v1/sessions/peter", b->admin, WEB);
    call_init(&t, "PATCH", "/v1/sessions/peter", "{\"ttl\":\"2d\"}");
    t.call.content_type = SPAN_LIT("Application/Merge-Patch+JSON; charset=utf-8");
    t.call.if_match = SPAN_LIT("\"9\", \"1\"");
    call_set_token(&t, b->admin, auth);
    call_run(b, &t);
    assert_int_equal(t.status, 200);
    call_free(&t);
}

static void an_unnamed_preview_is_found_again(void **state)
{
    struct api_bed *b = *state;
    int status;
    json_t *first = abed_call(b, "POST", "/v1/sessions", b->admin, WEB, &status);
    assert_int_equal(status, 201);
    json_t *again = abed_call(b, "POST", "/v1/sessions", b->admin, WEB, &status);
    assert_int_equal(status, 200);
    assert_string_equal(text_at(first, "name"), text_at(again, "name"));
    json_decref(first);
    json_decref(again);
}

static void extended(void **state)
{
    struct api_bed *b = *state;
    int status;
    abed_status_of(b, "PUT", "/v1/sessions/peter", b->admin, "{\"ttl\":\"1d\",\"services\":{}}");
    b->r.now_ms += BED_DAY / 2;
    json_t *json = abed_call(b, "POST", "/v1/sessions/peter/extend", b->admin, NULL,
                             &status); /* no body */
    assert_int_equal(status, 200);
    assert_string_equal(text_at(json, "expires"), "2027-01-16T20:00:00.000Z");
    assert_string_equal(text_at(json, "ttl"), "1d");
    json_decref(json);
    json = abed_call(b, "POST", "/v1/sessions/peter/extend", b->admin, "{\"ttl\":\"2d\"}", &status);
    assert_string_equal(text_at(json, "expires"), "2027-01-17T20:00:00.000Z");
    json_decref(json);
}

static void page_by_page(void **state)
{
    struct api_bed *b = *state;
    char name[16], target[64], seen[256] = "";
    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof name, "s%02d", (i * 7) % 25);
        snprintf(target, sizeof target, "/v1/sessions/%s", name);
        assert_int_equal(
            abed_status_of(b, "PUT", target, b->admin,
                           i % 2 ? "{\"owner\":\"odd\",\"services\":{}}" : "{\"services\":{}}"),
            201);
    }
    int pages = 0, status;
    snprintf(target, sizeof target, "/v1/sessions?limit=10");
    for (bool more = true; more; pages++) {
        json_t *page = abed_call(b, "GET", target, b->admin, NULL, &status), *session;
        size_t i;
        assert_int_equal(status, 200);
        json_array_foreach(json_object_get(page, "sessions"), i, session)
            bed_note(seen, sizeof seen, "%.*s ", span_str(text_at(session, "name")));
        more = json_is_string(json_object_get(page, "next"));
        if (more)
            snprintf(target, sizeof target, "/v1/sessions?limit=10&cursor=%s",
                     text_at(page, "next"));
        json_decref(page);
        /* What goes meanwhile shifts nothing. */
        if (pages == 0)
            abed_status_of(b, "DELETE", "/v1/sessions/s00", b->admin, NULL);
    }
    assert_int_equal(pages, 3);
    assert_string_equal(seen, "s00 s01 s02 s03 s04 s05 s06 s07 s08 s09 s10 s11 s12 s13 s14 s15 s16 "
                              "s17 s18 s19 s20 s21 s22 s23 s24 ");
    json_t *odd = abed_call(b, "GET", "/v1/sessions?owner=odd", b->admin, NULL, &status);
    assert_int_equal(json_array_size(json_object_get(odd, "sessions")), 12);
    json_decref(odd);
}

static void one_owner_and_the_others(void **state)
{
    struct api_bed *b = *state;
    char peter[64], mary[64];
    abed_token(b, "peter", "session", peter);
    abed_token(b, "mary", "session", mary);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/p", peter, WEB), 201);
    assert_int_equal(abed_status_of(b, "GET", "/v1/sessions/p", mary, NULL), 200);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/p", mary, WEB), 409);
    assert_int_equal(abed_status_of(b, "DELETE", "/v1/sessions/p", mary, NULL), 403);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/p", peter, WEB), 200);
    assert_int_equal(abed_status_of(b, "DELETE", "/v1/sessions/p", b->admin, NULL), 204);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/p", mary, WEB), 201);
}

static void tokens_from_making_to_revoking(void **state)
{
    struct api_bed *b = *state;
    int status;
    char secret[64], target[64];
    json_t *made = abed_call(b, "POST", "/v1/tokens", b->admin,
                             "{\"name\":\"ci\",\"scope\":\"session\"}", &status);
    assert_int_equal(status, 201);
    snprintf(secret, sizeof secret, "%s", text_at(made, "token"));
    snprintf(target, sizeof target, "/v1/tokens/%s", text_at(made, "id"));
    assert_int_equal(strncmp(secret, "lk_", 3), 0);
    json_decref(made);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/p", secret, WEB), 201);

    json_t *list = abed_call(b, "GET", "/v1/tokens", b->admin, NULL, &status);
    char *text = json_dumps(list, 0);
    assert_non_null(strstr(text, "\"ci\""));
    assert_null(strstr(text, secret));
    assert_null(strstr(text, "hash"));
    free(text);
    json_decref(list);

    assert_int_equal(abed_status_of(b, "DELETE", target, b->admin, NULL), 204);
    assert_int_equal(abed_status_of(b, "GET", "/v1/sessions", secret, NULL), 401);
    assert_int_equal(abed_status_of(b, "DELETE", target, b->admin, NULL), 404);
}

static int status_with(struct api_bed *b, const char *scheme, const char *token, const char *rest)
{
    struct test_call t;
    char auth[256];
    call_init(&t, "GET", "/v1/sessions", NULL);
    snprintf(auth, sizeof auth, "%s%s%s", scheme, token, rest);
    t.call.authorization = span_str(auth);
    call_run(b, &t);
    if (t.status == 401)
        assert_non_null(strstr(t.fields, "www-authenticate: Bearer realm=\"linkup\""));
    call_free(&t);
    return t.status;
}

static void only_a_bearer_counts(void **state)
{
    struct api_bed *b = *state;
    static const char *const bad[] = {"", "Basic ", "Bearer x", "BearerX", "Bearer", "Bearer\t,"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(status_with(b, bad[i], b->admin, ""), 401);
    assert_int_equal(status_with(b, "Bearer ", "", ""), 401);
    assert_int_equal(status_with(b, "Bearer ", b->admin, ", x"), 401);
    assert_int_equal(status_with(b, "Bearer ", b->admin, "x"), 401);
    assert_int_equal(status_with(b, "bEARER   ", b->admin, " "), 200);
}

static void the_sockets_peers_are_admins(void **state)
{
    struct api_bed *b = *state;
    struct test_call t;
    call_init(&t, "POST", "/v1/sessions", "{\"name\":\"peter\",\"services\":{}}");
    t.call.admin_peer = true;
    call_run(b, &t);
    assert_int_equal(t.status, 201);
    call_free(&t);
    assert_string_equal(registry_find(b->r.registry, SPAN_LIT("peter"))->owner_token, "");
    char other[64];
    abed_token(b, "other", "session", other);
    assert_int_equal(abed_status_of(b, "DELETE", "/v1/sessions/peter", other, NULL), 403);
}

/* Failure */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_507(void **state)
{
    struct api_bed *b = *state;
    abed_status_of(b, "PUT", "/v1/sessions/peter", b->admin, WEB);
    limit_files(1);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/mary", b->admin, WEB), 507);
    assert_int_equal(abed_status_of(b, "DELETE", "/v1/sessions/peter", b->admin, NULL), 507);
    assert_int_equal(
        abed_status_of(b, "POST", "/v1/tokens", b->admin, "{\"name\":\"x\",\"scope\":\"read\"}"),
        507);
    assert_int_equal(abed_status_of(b, "GET", "/v1/sessions/peter", b->admin, NULL), 200);
    assert_int_equal(abed_status_of(b, "GET", "/v1/sessions/mary", b->admin, NULL), 404);
    limit_files(RLIM_INFINITY);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/mary", b->admin, WEB), 201);
}

static void too_many_sessions(void **state)
{
    struct api_bed *b = abed_new("sessions: {max: 1}\n");
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/a", b->admin, WEB), 201);
    assert_int_equal(abed_status_of(b, "PUT", "/v1/sessions/b", b->admin, WEB), 409);
    abed_free(b);
}

/* Clients that leave, and an edge that stops. */

static void what_a_client_left_behind_is_still_done(void **state)
{
    struct api_bed *b = *state;
    struct test_call t;
    char auth[128];
    call_init(&t, "PUT", "/v1/sessions/peter", WEB);
    call_set_token(&t, b->admin, auth);
    api_handle(b->api, &t.call);
    assert_int_equal(t.heads, 0);
    api_cancel(&t.call);
    bed_drain(&b->r);
    assert_int_equal(t.heads, 0); /* nobody is told */
    assert_non_null(registry_find(b->r.registry, SPAN_LIT("peter")));
}

static void an_edge_that_stops_tells_who_waits(void **state)
{
    struct api_bed *b = *state;
    struct test_call t;
    char auth[128];
    call_init(&t, "PUT", "/v1/sessions/peter", WEB);
    call_set_token(&t, b->admin, auth);
    api_handle(b->api, &t.call);
    b->r.on_event = NULL;
    api_free(b->api);
    b->api = NULL;
    assert_int_equal(t.status, 503);
    assert_int_equal(t.ends, 1);
    bed_drain(&b->r);
    assert_non_null(registry_find(b->r.registry, SPAN_LIT("peter")));
    call_free(&t);
}

static void the_table_of_calls(void **state)
{
    struct buf out;
    buf_init(&out, 65536);
    assert_ok(api_describe(&out));
    assert_ok(buf_append(&out, span_of("", 1)));
    const char *text = buf_span(&out).p;
    assert_non_null(strstr(text, "| `GET /v1/sessions/{name}` | `read` |"));
    assert_non_null(strstr(text, "| `POST /v1/sessions/{name}/extend` | `session` |"));
    assert_non_null(strstr(text, "| `DELETE /v1/tokens/{id}` | `admin` |"));
    assert_non_null(strstr(text, "| `GET /v1/ca.pem` | none |"));
    buf_deinit(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_its_making_to_its_end),
        TEST(put_makes_what_is_not_there),
        TEST(merge_patch_has_a_type_of_its_own),
        TEST(an_unnamed_preview_is_found_again),
        TEST(extended),
        TEST(page_by_page),
        TEST(one_owner_and_the_others),
        TEST(tokens_from_making_to_revoking),
        TEST(only_a_bearer_counts),
        TEST(the_sockets_peers_are_admins),
        TEST(a_full_disk_is_507),
        cmocka_unit_test(too_many_sessions),
        TEST(what_a_client_left_behind_is_still_done),
        TEST(an_edge_that_stops_tells_who_waits),
        cmocka_unit_test(the_table_of_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
