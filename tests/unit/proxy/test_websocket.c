#include "core/mem.h"
#include "proxy/head/websocket.h"
#include "support/test.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct bed {
    struct arena arena;
    struct request_head request;
    struct response_head response;
};

static void bed_init(struct bed *b)
{
    memset(b, 0, sizeof *b);
    arena_init(&b->arena, NULL, 0, 1 << 20);
    b->request.upgrade = WEBSOCKET;
    b->response.status = 101;
}

static void add(struct bed *b, struct fields *f, const char *name, const char *value)
{
    struct span n = span_str(name);
    assert_int_equal(fields_add(f, &b->arena, field_lookup(n), n, span_str(value)), ERR_OK);
}

static void test_keys(void **state)
{
    static const struct {
        const char *key;
        bool valid;
    } cases[] = {
        {KEY, true},
        {"AAAAAAAAAAAAAAAAAAAAAA==", true},
        {"++++/////+++++////////==", true},
        {"", false},
        {"dGhlIHNhbXBsZSBub25jZQ=", false},
        {"dGhlIHNhbXBsZSBub25jZQ", false},
        {"dGhlIHNhbXBsZSBub25jZWE=", false}, /* 17 bytes */
        {"dGhlIHNhbXBsZSBub25jZQ===", false},
        {"dGhlIHNhbXBsZSBub25 ZQ==", false},
        {"dGhlIHNhbXBsZSBub25-ZQ==", false},
        {"dGhlIHNhbXBsZSBub25=ZQ==", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (websocket_key_valid(span_str(cases[i].key)) != cases[i].valid)
            fail_msg("%s", cases[i].key);
}

static void test_a_request_has_one_key(void **state)
{
    struct bed b;
    (void)state;
    bed_init(&b);
    assert_false(websocket_has_key(&b.request));
    add(&b, &b.request.fields, "sec-websocket-key", KEY);
    assert_true(websocket_has_key(&b.request));
    add(&b, &b.request.fields, "sec-websocket-key", KEY);
    assert_false(websocket_has_key(&b.request));
    arena_deinit(&b.arena);
}

static void test_a_made_key_is_one_and_new(void **state)
{
    struct bed b;
    char before[32];
    (void)state;
    bed_init(&b);
    add(&b, &b.request.fields, "sec-websocket-key", "the client's");
    add(&b, &b.request.fields, "sec-websocket-key", "and another");
    assert_int_equal(websocket_make_key(&b.request, &b.arena), ERR_OK);
    assert_true(websocket_has_key(&b.request));
    const struct field *key = fields_find(&b.request.fields, FIELD_SEC_WEBSOCKET_KEY);
    assert_int_equal(span_copy_z(key->value, before, sizeof before), ERR_OK);
    assert_int_equal(websocket_make_key(&b.request, &b.arena), ERR_OK);
    key = fields_find(&b.request.fields, FIELD_SEC_WEBSOCKET_KEY);
    assert_false(span_eq(key->value, span_str(before)));
    arena_deinit(&b.arena);
}

static void test_accept(void **state)
{
    char accept[WEBSOCKET_ACCEPT_LEN];
    (void)state;
    websocket_accept(SPAN_LIT(KEY), accept);
    assert_span(span_of(accept, sizeof accept), ACCEPT);
}

/* What is wrong, and the lines of a 101 that has it. */
static void test_answers(void **state)
{
    static const struct {
        const char *what;
        bool answers;
        const char *lines[8]; /* names and values */
    } cases[] = {
        {"right",
         true,
         {"upgrade", "websocket", "connection", "Upgrade", "sec-websocket-accept", ACCEPT}},
        {"other case, more options",
         true,
         {"upgrade", "WebSocket", "connection", "keep-alive, upgrade", "sec-websocket-accept",
          ACCEPT}},
        {"no upgrade", false, {"connection", "upgrade", "sec-websocket-accept", ACCEPT}},
        {"another protocol",
         false,
         {"upgrade", "h2c", "connection", "upgrade", "sec-websocket-accept", ACCEPT}},
        {"a list",
         false,
         {"upgrade", "websocket, h2c", "connection", "upgrade", "sec-websocket-accept", ACCEPT}},
        {"twice",
         false,
         {"upgrade", "websocket", "upgrade", "websocket", "connection", "upgrade",
          "sec-websocket-accept", ACCEPT}},
        {"no connection", false, {"upgrade", "websocket", "sec-websocket-accept", ACCEPT}},
        {"connection names something else",
         false,
         {"upgrade", "websocket", "connection", "close", "sec-websocket-accept", ACCEPT}},
        {"no accept", false, {"upgrade", "websocket", "connection", "upgrade"}},
        {"the key itself",
         false,
         {"upgrade", "websocket", "connection", "upgrade", "sec-websocket-accept", KEY}},
        {"another's accept",
         false,
         {"upgrade", "websocket", "connection", "upgrade", "sec-websocket-accept",
          "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="}},
        {"the accept in another case",
         false,
         {"upgrade", "websocket", "connection", "upgrade", "sec-websocket-accept",
          "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bed b;
        bed_init(&b);
        add(&b, &b.request.fields, "sec-websocket-key", KEY);
        for (size_t k = 0; k < ARRAY_LEN(cases[i].lines) && cases[i].lines[k]; k += 2)
            add(&b, &b.response.fields, cases[i].lines[k], cases[i].lines[k + 1]);
        if (websocket_is_answer(&b.response, &b.request) != cases[i].answers)
            fail_msg("%s", cases[i].what);
        b.response.status = 200;
        assert_false(websocket_is_answer(&b.response, &b.request));
        b.response.status = 101;
        b.response.http10 = true;
        assert_false(websocket_is_answer(&b.response, &b.request));
        arena_deinit(&b.arena);
    }
}

/* The key may have been named by connection, and is then not passed on. */
static void test_without_a_key_nothing_is_an_answer(void **state)
{
    struct bed b;
    (void)state;
    bed_init(&b);
    add(&b, &b.response.fields, "upgrade", "websocket");
    add(&b, &b.response.fields, "connection", "upgrade");
    add(&b, &b.response.fields, "sec-websocket-accept", ACCEPT);
    assert_false(websocket_is_answer(&b.response, &b.request));
    assert_int_not_equal(websocket_make_answer(&b.response, &b.request, &b.arena), ERR_OK);
    arena_deinit(&b.arena);
}

static void test_a_made_answer_is_one(void **state)
{
    struct bed b;
    (void)state;
    bed_init(&b);
    add(&b, &b.request.fields, "sec-websocket-key", KEY);
    b.response.status = 200;
    add(&b, &b.response.fields, "sec-websocket-protocol", "chat");
    add(&b, &b.response.fields, "sec-websocket-accept", "whatever");
    assert_int_equal(websocket_make_answer(&b.response, &b.request, &b.arena), ERR_OK);
    add(&b, &b.response.fields, "connection", "upgrade"); /* which h1_write_response adds */
    assert_true(websocket_is_answer(&b.response, &b.request));
    assert_span(fields_find(&b.response.fields, FIELD_SEC_WEBSOCKET_ACCEPT)->value, ACCEPT);
    arena_deinit(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_a_request_has_one_key),
        cmocka_unit_test(test_a_made_key_is_one_and_new),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_without_a_key_nothing_is_an_answer),
        cmocka_unit_test(test_a_made_answer_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
