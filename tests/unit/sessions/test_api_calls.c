/* Every call, well and badly made, as a table: what is sent, the status, the field that is named.
 * After each refused call the edge is exactly what it was. */
#include <stdlib.h>

#include "unit/sessions/api_bed.h"

enum who { NOBODY, READER, MAKER, OTHER, ADMIN, SOCKET };

struct row {
    const char *method, *target;
    enum who who;
    const char *body;
    int status;
    const char *field; /* of the problem; or a piece of the answer, with a '~' before it */
    const char *type;  /* NULL: application/json where there is a body */
    const char *match; /* If-Match */
};

#define WEB "{\"services\":{\"web\":{\"url\":\"https://web-1.example.net\"}}}"
#define FORTY "a234567890123456789012345678901234567890"

#define CALL(method, target, who, body, status, says)                                              \
    {                                                                                              \
        method, target, who, body, status, says, NULL, NULL                                        \
    }
#define TYPED(method, target, who, body, type, status, says)                                       \
    {                                                                                              \
        method, target, who, body, status, says, type, NULL                                        \
    }
#define MATCH(method, target, who, body, match, status, says)                                      \
    {                                                                                              \
        method, target, who, body, status, says, NULL, match                                       \
    }

static const struct row rows[] = {
    /* Who is asked, and who asks. */
    CALL("GET", "/v1/sessions", NOBODY, NULL, 401, "~token is needed"),
    CALL("GET", "/v1/nothing", NOBODY, NULL, 404, NULL),
    CALL("GET", "/", NOBODY, NULL, 404, NULL),
    CALL("GET", "", NOBODY, NULL, 404, NULL),
    CALL("GET", "/v1/sessions/", READER, NULL, 404, NULL),
    CALL("GET", "/v1//sessions", READER, NULL, 404, NULL),
    CALL("GET", "/v1/sessions/a/b", READER, NULL, 404, NULL),
    CALL("GET", "/v1/sessions/%zz", READER, NULL, 404, NULL),
    CALL("GET", "/v1/sessions/%00", READER, NULL, 404, NULL),
    CALL("PUT", "/v1/sessions", MAKER, WEB, 405, "~GET, HEAD, POST"),
    CALL("GET", "/v1/explain", READER, NULL, 405, "~one may POST"),
    CALL("OPTIONS", "/v1/sessions", NOBODY, NULL, 405, NULL),
    CALL("BREW", "/v1/status", READER, NULL, 405, NULL),
    CALL("POST", "/v1/sessions", READER, WEB, 403, "~scope"),
    CALL("DELETE", "/v1/sessions/base", READER, NULL, 403, "~scope"),
    CALL("GET", "/v1/tokens", MAKER, NULL, 403, "~admin"),
    CALL("POST", "/v1/tokens", MAKER, "{\"name\":\"x\",\"scope\":\"admin\"}", 403, "~admin"),
    CALL("GET", "/v1/ca.pem", NOBODY, NULL, 200, "~BEGIN CERTIFICATE"),
    /* Reading. */
    CALL("GET", "/v1/sessions", READER, NULL, 200, "~\"next\":null"),
    CALL("GET", "/v1/sessions", SOCKET, NULL, 200, "~\"base\""),
    CALL("HEAD", "/v1/sessions", READER, NULL, 200, NULL),
    CALL("GET", "/v1/sessions?limit=1", READER, NULL, 200, "~\"sessions\":[{"),
    CALL("GET", "/v1/sessions?limit=0", READER, NULL, 400, "limit"),
    CALL("GET", "/v1/sessions?limit=1001", READER, NULL, 400, "limit"),
    CALL("GET", "/v1/sessions?limit=-1", READER, NULL, 400, "limit"),
    CALL("GET", "/v1/sessions?limit=1x", READER, NULL, 400, "limit"),
    CALL("GET", "/v1/sessions?limit=99999999999999", READER, NULL, 400, "limit"),
    CALL("GET", "/v1/sessions?cursor=No", READER, NULL, 400, "cursor"),
    CALL("GET", "/v1/sessions?cursor=", READER, NULL, 400, "cursor"),
    CALL("GET", "/v1/sessions?cursor=base", READER, NULL, 200, "~\"sessions\":[]"),
    CALL("GET", "/v1/sessions?cursor=%61", READER, NULL, 200, "~\"base\""),
    CALL("GET", "/v1/sessions?owner=maker", READER, NULL, 200, "~\"base\""),
    CALL("GET", "/v1/sessions?owner=nobody", READER, NULL, 200, "~\"sessions\":[]"),
    CALL("GET", "/v1/sessions?owner=%f", READER, NULL, 400, "owner"),
    CALL("GET", "/v1/sessions?color=red", READER, NULL, 400, "color"),
    CALL("GET", "/v1/sessions/base", READER, NULL, 200, "~https://web.base.dev.example.com"),
    CALL("GET", "/v1/sessions/b%61se", READER, NULL, 200, "~\"base\""),
    CALL("HEAD", "/v1/sessions/base", READER, NULL, 200, NULL),
    CALL("GET", "/v1/sessions/none", READER, NULL, 404, "~no session"),
    CALL("GET", "/v1/services", READER, NULL, 200, "~\"health\":\"up\""),
    CALL("GET", "/v1/services", READER, NULL, 200, "~http://api.internal:9000/base"),
    CALL("GET", "/v1/status", READER, NULL, 200, "~\"workers\":2"),
    CALL("GET", "/v1/status", READER, NULL, 200, "~1.2.3"),
    CALL("GET", "/v1/tokens", ADMIN, NULL, 200, "~\"maker\""),
    /* Watching. */
    CALL("POST", "/v1/watches", READER, "{\"session\":\"base\"}", 403, "~scope"),
    CALL("POST", "/v1/watches", OTHER, "{\"session\":\"base\"}", 403, "session"),
    CALL("POST", "/v1/watches", MAKER, "{\"session\":\"none\"}", 404, "session"),
    CALL("POST", "/v1/watches", MAKER, "{\"session\":7}", 422, "session"),
    CALL("POST", "/v1/watches", MAKER, "{}", 422, "session"),
    CALL("POST", "/v1/watches", MAKER, "{\"session\":\"base\",\"trace_id\":\"1\"}", 422,
         "trace_id"),
    CALL("POST", "/v1/watches", MAKER, "{\"session\":\"base\"}", 201, "~\"expires\":\"2"),
    CALL("POST", "/v1/watches", ADMIN, "{\"session\":\"base\"}", 201, "~\"session\":\"base\""),
    CALL("POST", "/v1/watches", SOCKET, "{\"session\":\"base\"}", 201, "~\"trace_id\":\""),
    CALL("GET", "/v1/watches", READER, NULL, 405, "~one may POST"),
    CALL("GET", "/v1/watches/1", MAKER, NULL, 405, "~one may DELETE"),
    CALL("DELETE", "/v1/watches/1", MAKER, NULL, 404, "~no such watch"),
    CALL("DELETE", "/v1/watches/1", READER, NULL, 403, "~scope"),
    /* Bodies. */
    CALL("POST", "/v1/sessions", MAKER, NULL, 415, "~must be application/json"),
    TYPED("POST", "/v1/sessions", MAKER, WEB, "text/plain", 415, NULL),
    TYPED("POST", "/v1/sessions", MAKER, WEB, "application/x-www-form-urlencoded", 415, NULL),
    TYPED("POST", "/v1/sessions", MAKER, WEB, "application/merge-patch+json", 415, NULL),
    CALL("POST", "/v1/sessions", MAKER, "", 400, "~not JSON"),
    CALL("POST", "/v1/sessions", MAKER, "{", 400, "~line 1"),
    CALL("POST", "/v1/sessions", MAKER, "{} {}", 400, "~not JSON"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"a\",\"name\":\"b\"}", 400, "~duplicate"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"\xff\xfe\"}", 400, "~not JSON"),
    CALL("POST", "/v1/sessions", MAKER, "[]", 422, "~must be a JSON object"),
    CALL("POST", "/v1/sessions", MAKER, "17", 422, "~must be a JSON object"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":17}", 422, "name"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"Not A Label\"}", 422, "name"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"a--b\"}", 422, "name"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"-a\"}", 422, "name"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"" FORTY "1\"}", 422, "name"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"edge\"}", 422, "name"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"web\"}", 422, "name"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"www\"}", 422, "name"),
    CALL("POST", "/v1/sessions", MAKER, "{\"nmae\":\"a\"}", 422, "nmae"),
    CALL("POST", "/v1/sessions", MAKER, "{\"ttl\":5}", 422, "ttl"),
    CALL("POST", "/v1/sessions", MAKER, "{\"ttl\":\"soon\"}", 422, "ttl"),
    CALL("POST", "/v1/sessions", MAKER, "{\"ttl\":\"9999d\"}", 422, "ttl"),
    CALL("POST", "/v1/sessions", MAKER, "{\"pinned\":\"yes\"}", 422, "pinned"),
    CALL("POST", "/v1/sessions", MAKER, "{\"owner\":[]}", 422, "owner"),
    CALL("POST", "/v1/sessions", MAKER, "{\"services\":[]}", 422, "services"),
    CALL("POST", "/v1/sessions", MAKER, "{\"services\":{\"web\":7}}", 422, "services.web"),
    CALL("POST", "/v1/sessions", MAKER, "{\"services\":{\"web\":{\"url\":\"ftp://x\"}}}", 422,
         "services.web.url"),
    CALL("POST", "/v1/sessions", MAKER, "{\"services\":{\"W\":{\"url\":\"http://x\"}}}", 422,
         "services.W"),
    CALL("POST", "/v1/sessions", MAKER, "{\"rewrites\":[{\"source\":\"(\",\"target\":\"/\"}]}", 422,
         "rewrites[0].source"),
    CALL("POST", "/v1/sessions", MAKER, "{\"version\":3}", 422, "version"),
    CALL("POST", "/v1/sessions", MAKER, "{\"name\":\"base\"}", 409, "name"),
    CALL("POST", "/v1/sessions", ADMIN, "{\"name\":\"base\"}", 409, "name"),
    /* Changing what is another's, or not there, or has moved on. */
    CALL("PUT", "/v1/sessions/base", OTHER, WEB, 409, "name"),
    CALL("PUT", "/v1/sessions/No", MAKER, WEB, 422, "name"),
    CALL("PUT", "/v1/sessions/www", MAKER, WEB, 422, "name"),
    CALL("PUT", "/v1/sessions/base", MAKER, "{\"name\":\"other\"}", 422, "name"),
    MATCH("PUT", "/v1/sessions/base", MAKER, WEB, "\"7\"", 412, "if-match"),
    MATCH("PUT", "/v1/sessions/base", MAKER, WEB, "W/\"1\"", 412, "if-match"),
    MATCH("PUT", "/v1/sessions/base", MAKER, WEB, "\"x\", \"2\"", 412, "if-match"),
    MATCH("PUT", "/v1/sessions/base", MAKER, WEB, "1", 400, "if-match"),
    MATCH("PUT", "/v1/sessions/base", MAKER, WEB, "\"", 400, "if-match"),
    MATCH("PUT", "/v1/sessions/new", MAKER, WEB, "*", 412, "if-match"),
    CALL("PATCH", "/v1/sessions/base", OTHER, "{\"pinned\":true}", 403, NULL),
    CALL("PATCH", "/v1/sessions/none", MAKER, "{\"pinned\":true}", 404, NULL),
    CALL("PATCH", "/v1/sessions/base", MAKER, "{\"pinned\":1}", 422, "pinned"),
    CALL("PATCH", "/v1/sessions/base", MAKER, "{\"services\":{\"web\":{\"url\":\"\"}}}", 422,
         "services.web.url"),
    CALL("PATCH", "/v1/sessions/base", MAKER, "{\"name\":\"moved\"}", 422, "name"),
    TYPED("PATCH", "/v1/sessions/base", MAKER, "{}", "application/json-patch+json", 415, NULL),
    MATCH("PATCH", "/v1/sessions/base", MAKER, "{}", "\"2\"", 412, "if-match"),
    CALL("DELETE", "/v1/sessions/base", OTHER, NULL, 403, NULL),
    CALL("DELETE", "/v1/sessions/none", MAKER, NULL, 404, NULL),
    MATCH("DELETE", "/v1/sessions/base", MAKER, NULL, "\"2\"", 412, "if-match"),
    CALL("POST", "/v1/sessions/base/extend", OTHER, "{}", 403, NULL),
    CALL("POST", "/v1/sessions/none/extend", MAKER, "{}", 404, NULL),
    CALL("POST", "/v1/sessions/base/extend", MAKER, "{\"pinned\":true}", 422, "pinned"),
    CALL("POST", "/v1/sessions/base/extend", MAKER, "{\"ttl\":[]}", 422, "ttl"),
    TYPED("POST", "/v1/sessions/base/extend", MAKER, "ttl=1d", "application/x-www-form-urlencoded",
          415, NULL),
    /* Tokens. */
    CALL("POST", "/v1/tokens", ADMIN, "{}", 422, "name"),
    CALL("POST", "/v1/tokens", ADMIN, "{\"name\":\"\",\"scope\":\"read\"}", 422, "name"),
    CALL("POST", "/v1/tokens", ADMIN, "{\"name\":\"a\\u0007\",\"scope\":\"read\"}", 422, "name"),
    CALL("POST", "/v1/tokens", ADMIN, "{\"name\":\"x\"}", 422, "scope"),
    CALL("POST", "/v1/tokens", ADMIN, "{\"name\":\"x\",\"scope\":\"root\"}", 422, "scope"),
    CALL("POST", "/v1/tokens", ADMIN, "{\"name\":\"x\",\"scope\":1}", 422, "scope"),
    CALL("POST", "/v1/tokens", ADMIN, "{\"name\":\"x\",\"scope\":\"read\",\"token\":\"lk_x\"}", 422,
         "token"),
    CALL("DELETE", "/v1/tokens/000000000000", ADMIN, NULL, 404, NULL),
    /* Explaining. */
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://web.base.dev.example.com/x\"}", 200,
         "~\"backend\":\"session\""),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://api.base.dev.example.com/x?y\"}", 200,
         "~\"path\":\"/base/x\""),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://web--base.dev.example.com:8443\"}", 200,
         "~\"session\":\"base\""),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://web.gone.dev.example.com/\"}", 200,
         "~unknown-session"),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://elsewhere.example.org/\"}", 200,
         "~unknown-host"),
    CALL("POST", "/v1/explain", READER,
         "{\"url\":\"https://web.dev.example.com/\",\"headers\":{\"Baggage\":[\"a=b\","
         "\"linkup-session=base\"]}}",
         200, "~\"from\":\"baggage\""),
    CALL("POST", "/v1/explain", READER,
         "{\"url\":\"https://shop.dev.example.com/api/1\",\"headers\":{\"origin\":"
         "\"https://web.base.dev.example.com\"}}",
         200, "~\"service\":\"api\""),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://edge.dev.example.com/v1/status\"}", 200,
         "~\"outcome\":\"edge\""),
    CALL("POST", "/v1/explain", READER, "{}", 422, "url"),
    CALL("POST", "/v1/explain", READER, "{\"url\":7}", 422, "url"),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"web.dev.example.com\"}", 422, "url"),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://a b/\"}", 422, "url"),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://\"}", 422, "url"),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://x/\",\"headers\":[]}", 422, "headers"),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://x/\",\"headers\":{\"a\":1}}", 422,
         "headers"),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://x/\",\"headers\":{\"a\":[1]}}", 422,
         "headers"),
    CALL("POST", "/v1/explain", READER, "{\"url\":\"https://x/\",\"method\":\"GET\"}", 422,
         "method"),
};

struct world {
    struct api_bed *bed;
    char reader[64], maker[64], other[64];
};

static const char *token_of(const struct world *w, enum who who)
{
    const char *const tokens[] = {
        [READER] = w->reader, [MAKER] = w->maker, [OTHER] = w->other, [ADMIN] = w->bed->admin};
    return tokens[who];
}

static void assert_problem(const struct test_call *t, const struct row *row)
{
    json_t *json = json_loads(t->body, 0, NULL);
    assert_non_null(json);
    assert_non_null(strstr(t->fields, "content-type: application/problem+json\n"));
    assert_int_equal(json_integer_value(json_object_get(json, "status")), t->status);
    assert_non_null(json_string_value(json_object_get(json, "type")));
    assert_non_null(json_string_value(json_object_get(json, "title")));
    assert_true(json_string_length(json_object_get(json, "detail")) > 0);
    if (row->field && row->field[0] != '~') {
        const char *field = json_string_value(json_object_get(json, "field"));
        assert_non_null(field);
        assert_string_equal(field, row->field);
    }
    json_decref(json);
}

static void assert_answer(const struct test_call *t, const struct row *row)
{
    if (t->status != row->status)
        print_error("%s %s %s: %d, not %d: %s\n", row->method, row->target,
                    row->body ? row->body : "", t->status, row->status, t->body ? t->body : "");
    assert_int_equal(t->status, row->status);
    assert_non_null(strstr(t->fields, "cache-control: no-store\n"));
    assert_null(strstr(t->fields, "access-control"));
    if (strcmp(row->method, "HEAD") == 0) {
        assert_int_equal(t->len, 0);
        return;
    }
    char length[48];
    snprintf(length, sizeof length, "content-length: %zu\n", t->len);
    assert_non_null(strstr(t->fields, length));
    if (row->field && row->field[0] == '~' && !strstr(t->body, row->field + 1))
        fail_msg("%s %s: \"%s\" is not in %s", row->method, row->target, row->field + 1, t->body);
    if (row->status >= 400)
        assert_problem(t, row);
}

/* Everything that calls could have changed, as one text. */
static char *snapshot(struct world *w)
{
    int status;
    json_t *sessions = abed_call(w->bed, "GET", "/v1/sessions", w->bed->admin, NULL, &status);
    json_t *tokens = abed_call(w->bed, "GET", "/v1/tokens", w->bed->admin, NULL, &status);
    json_t *all = json_pack("{s:o, s:o, s:s, s:i, s:i}", "sessions", sessions, "tokens", tokens,
                            "published", w->bed->r.published, "in the store",
                            (int)bed_count(&w->bed->r.store, STORE_SESSION), "tokens there",
                            (int)bed_count(&w->bed->r.store, STORE_TOKEN));
    char *text = json_dumps(all, JSON_SORT_KEYS);
    json_decref(all);
    return text;
}

static void run_row(struct world *w, const struct row *row)
{
    struct test_call t;
    char auth[128];
    /* A copy that ends where the body ends. */
    size_t len = row->body ? strlen(row->body) : 0;
    char *body = mem_alloc(len + 1);
    memcpy(body, row->body ? row->body : "", len);
    call_init(&t, row->method, row->target, row->body);
    t.call.body = span_of(body, len);
    if (row->type)
        t.call.content_type = span_str(row->type);
    t.call.if_match = span_str(row->match);
    t.call.admin_peer = row->who == SOCKET;
    if (row->who != NOBODY && row->who != SOCKET)
        call_set_token(&t, token_of(w, row->who), auth);
    call_run(w->bed, &t);
    assert_answer(&t, row);
    call_free(&t);
    mem_free(body);
}

static void every_row(void **state)
{
    struct world w = {.bed = *state};
    abed_token(w.bed, "reader", "read", w.reader);
    abed_token(w.bed, "maker", "session", w.maker);
    abed_token(w.bed, "other", "session", w.other);
    assert_int_equal(abed_status_of(w.bed, "PUT", "/v1/sessions/base", w.maker, WEB), 201);
    char *before = snapshot(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run_row(&w, &rows[i]);
        char *after = snapshot(&w);
        assert_string_equal(after, before);
        free(after);
    }
    free(before);
    print_message("%zu calls\n", ARRAY_LEN(rows));
}

static void a_body_that_is_too_long(void **state)
{
    struct api_bed *b = *state;
    struct test_call t;
    char auth[128];
    char *body = mem_alloc(API_BODY_MAX + 2);
    memset(body, ' ', API_BODY_MAX + 1);
    body[API_BODY_MAX + 1] = '\0';
    memcpy(body, "{}", 2);
    call_init(&t, "POST", "/v1/sessions", body);
    call_set_token(&t, b->admin, auth);
    call_run(b, &t);
    assert_int_equal(t.status, 413);
    call_free(&t);
    body[API_BODY_MAX] = '\0'; /* as long as may be */
    assert_int_equal(abed_status_of(b, "POST", "/v1/sessions", b->admin, body), 201);
    mem_free(body);
}

static void a_target_that_is_too_long(void **state)
{
    struct api_bed *b = *state;
    char *target = mem_zalloc(10001);
    memset(target, 'a', 10000);
    memcpy(target, "/v1/sessions/", 13);
    assert_int_equal(abed_status_of(b, "GET", target, b->admin, NULL), 414);
    target[1000] = '\0';
    assert_int_equal(abed_status_of(b, "GET", target, b->admin, NULL), 404);
    mem_free(target);
}

/* A body nested so deeply that a careless reader would run out of stack. */
static void a_body_that_is_too_deep(void **state)
{
    struct api_bed *b = *state;
    char *body = mem_zalloc(200001);
    memset(body, '[', 200000);
    assert_int_equal(abed_status_of(b, "POST", "/v1/sessions", b->admin, body), 400);
    memset(body, '\0', 200001);
    for (size_t i = 0; i < 500; i++)
        memcpy(body + 5 * i, "{\"a\":", 5);
    memcpy(body + 2500, "1", 1);
    memset(body + 2501, '}', 500);
    assert_int_equal(abed_status_of(b, "POST", "/v1/sessions", b->admin, body), 422);
    mem_free(body);
}

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row),
        TEST(a_body_that_is_too_long),
        TEST(a_target_that_is_too_long),
        TEST(a_body_that_is_too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
