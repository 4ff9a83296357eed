/* What a backend's answer is understood as: RFC 9112 4 and 6.3. */
#include "proxy/h1/parse.h"
#include "support/test.h"

#define OK "HTTP/1.1 200 OK\r\n"

struct expected {
    const char *what, *in;
    enum method method;
    int status; /* 0: refused */
    enum body_kind body;
    uint64_t length;
    bool keep_alive;
};

static const struct expected cases[] = {
    {"a length", OK "content-length: 5\r\n\r\n", METHOD_GET, 200, BODY_LENGTH, 5, true},
    {"no bytes", OK "content-length: 0\r\n\r\n", METHOD_GET, 200, BODY_LENGTH, 0, true},
    {"chunks", OK "transfer-encoding: chunked\r\n\r\n", METHOD_GET, 200, BODY_CHUNKED, 0, true},
    {"until close", OK "\r\n", METHOD_GET, 200, BODY_STREAM, 0, false},
    {"until close in spite of keep-alive", OK "connection: keep-alive\r\n\r\n", METHOD_GET, 200,
     BODY_STREAM, 0, false},
    {"connection: close", OK "content-length: 5\r\nconnection: close\r\n\r\n", METHOD_GET, 200,
     BODY_LENGTH, 5, false},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n", METHOD_GET, 200, BODY_LENGTH, 5,
     false},
    {"HTTP/1.0 that stays",
     "HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n", METHOD_GET, 200,
     BODY_LENGTH, 5, true},
    {"no reason", "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n", METHOD_GET, 200, BODY_LENGTH, 0,
     true},
    {"no reason and no space", "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", METHOD_GET, 200,
     BODY_LENGTH, 0, true},
    {"a reason in Latin 1", "HTTP/1.1 200 D\xe9j\xe0\r\ncontent-length: 0\r\n\r\n", METHOD_GET, 200,
     BODY_LENGTH, 0, true},
    {"HEAD", OK "content-length: 5\r\n\r\n", METHOD_HEAD, 200, BODY_NONE, 0, true},
    {"HEAD without a length", OK "\r\n", METHOD_HEAD, 200, BODY_NONE, 0, true},
    {"HEAD of chunks", OK "transfer-encoding: chunked\r\n\r\n", METHOD_HEAD, 200, BODY_NONE, 0,
     true},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", METHOD_GET, 204, BODY_NONE, 0, true},
    {"204 with no bytes", "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", METHOD_GET, 204,
     BODY_NONE, 0, true},
    {"204 with a length: who knows what follows", "HTTP/1.1 204 X\r\ncontent-length: 5\r\n\r\n",
     METHOD_GET, 204, BODY_NONE, 0, false},
    {"204 in chunks: likewise", "HTTP/1.1 204 X\r\ntransfer-encoding: chunked\r\n\r\n", METHOD_GET,
     204, BODY_NONE, 0, false},
    {"304", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", METHOD_GET, 304, BODY_NONE, 0,
     true},
    {"100", "HTTP/1.1 100 Continue\r\n\r\n", METHOD_POST, 100, BODY_NONE, 0, true},
    {"101", "HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", METHOD_GET, 101,
     BODY_NONE, 0, true},
    {"103", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", METHOD_GET, 103, BODY_NONE, 0, true},
    {"205", "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n", METHOD_GET, 205, BODY_LENGTH,
     0, true},
    {"a status without a name", "HTTP/1.1 599 x\r\ncontent-length: 0\r\n\r\n", METHOD_GET, 599,
     BODY_LENGTH, 0, true},
    {"redirects are not followed",
     "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", METHOD_GET, 302,
     BODY_LENGTH, 0, true},
    {"a host field says nothing", OK "host: x\r\ncontent-length: 0\r\n\r\n", METHOD_GET, 200,
     BODY_LENGTH, 0, true},

    {"both framings", OK "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
     .method = METHOD_GET},
    {"both framings of HEAD", OK "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
     .method = METHOD_HEAD},
    {"two lengths", OK "content-length: 5\r\ncontent-length: 6\r\n\r\n", .method = METHOD_GET},
    {"two equal lengths", OK "content-length: 5\r\ncontent-length: 5\r\n\r\n",
     .method = METHOD_GET},
    {"a list of lengths", OK "content-length: 5, 5\r\n\r\n", .method = METHOD_GET},
    {"no number", OK "content-length: five\r\n\r\n", .method = METHOD_GET},
    {"a negative length", OK "content-length: -1\r\n\r\n", .method = METHOD_GET},
    {"2^64", OK "content-length: 18446744073709551616\r\n\r\n", .method = METHOD_GET},
    {"gzip", OK "transfer-encoding: gzip\r\n\r\n", .method = METHOD_GET},
    {"gzip, chunked", OK "transfer-encoding: gzip, chunked\r\n\r\n", .method = METHOD_GET},
    {"chunked, gzip", OK "transfer-encoding: chunked, gzip\r\n\r\n", .method = METHOD_GET},
    {"chunked twice", OK "transfer-encoding: chunked, chunked\r\n\r\n", .method = METHOD_GET},
    {"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
     .method = METHOD_GET},
    {"HTTP/2", "HTTP/2 200 OK\r\n\r\n", .method = METHOD_GET},
    {"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", .method = METHOD_GET},
    {"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", .method = METHOD_GET},
    {"HTTP/0.9", "HTTP/0.9 200 OK\r\n\r\n", .method = METHOD_GET},
    {"lower case", "http/1.1 200 OK\r\n\r\n", .method = METHOD_GET},
    {"ICY", "ICY 200 OK\r\n\r\n", .method = METHOD_GET},
    {"HTML", "<!doctype html>\r\n\r\n", .method = METHOD_GET},
    {"no status", "HTTP/1.1 OK\r\n\r\n", .method = METHOD_GET},
    {"two digits", "HTTP/1.1 20 OK\r\n\r\n", .method = METHOD_GET},
    {"four digits", "HTTP/1.1 2000 OK\r\n\r\n", .method = METHOD_GET},
    {"letters", "HTTP/1.1 2oo OK\r\n\r\n", .method = METHOD_GET},
    {"a sign", "HTTP/1.1 +20 OK\r\n\r\n", .method = METHOD_GET},
    {"below 100", "HTTP/1.1 099 OK\r\n\r\n", .method = METHOD_GET},
    {"above 599", "HTTP/1.1 600 OK\r\n\r\n", .method = METHOD_GET},
    {"999", "HTTP/1.1 999 OK\r\n\r\n", .method = METHOD_GET},
    {"two spaces", "HTTP/1.1  200 OK\r\n\r\n", .method = METHOD_GET},
    {"a tab", "HTTP/1.1\t200 OK\r\n\r\n", .method = METHOD_GET},
    {"a folded line", OK "a: b\r\n c\r\ncontent-length: 0\r\n\r\n", .method = METHOD_GET},
    {"a space before the colon", OK "content-length : 0\r\n\r\n", .method = METHOD_GET},
    {"no name", OK ": b\r\n\r\n", .method = METHOD_GET},
    {"no colon", OK "a\r\n\r\n", .method = METHOD_GET},
    {"LF in a value", OK "a: b\nc: d\r\n\r\n", .method = METHOD_GET},
    {"CR in a value", OK "a: b\rc: d\r\n\r\n", .method = METHOD_GET},
    {"CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", .method = METHOD_GET},
    {"a control character in the reason", "HTTP/1.1 200 \x01\r\n\r\n", .method = METHOD_GET},
};

static void judge(const struct expected *c)
{
    struct arena a;
    arena_init(&a, NULL, 0, 64 * 1024);
    struct response_head h;
    struct h1_fault fault = {0};
    size_t scanned = 0, len = 0;
    struct span in = span_str(c->in);
    enum err e = h1_find_head(in, &scanned, &len, &fault);
    if (e == ERR_OK)
        e = h1_parse_response(span_sub(in, 0, len), c->method, &a, &h, &fault);
    int got = e == ERR_OK ? h.status : 0;
    if (got != c->status)
        fail_msg("%s: %d instead of %d", c->what, got, c->status);
    if (e != ERR_OK) {
        assert_err(ERR_SYNTAX, e);
        assert_non_null(fault.text);
    } else if (h.body != c->body || h.content_length != c->length ||
               h.keep_alive != c->keep_alive) {
        fail_msg("%s: body %d, length %d, keep-alive %d", c->what, (int)h.body,
                 (int)h.content_length, h.keep_alive);
    }
    arena_deinit(&a);
}

static void test_answers(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        judge(&cases[i]);
}

static void parse(const char *text, enum method method, struct arena *a, struct response_head *h)
{
    struct h1_fault fault;
    arena_init(a, NULL, 0, 64 * 1024);
    assert_ok(h1_parse_response(span_str(text), method, a, h, &fault));
}

static void test_fields_keep_order_and_number(void **state)
{
    struct arena a;
    struct response_head h;
    parse("HTTP/1.1 200 Fine\r\nSet-Cookie: a=1; Path=/\r\nX: y\r\nSet-Cookie: b=2, c=3\r\n"
          "Content-Length: 3\r\n\r\n",
          METHOD_GET, &a, &h);
    assert_span(h.reason, "Fine");
    assert_int_equal(h.fields.n, 3);
    assert_span(h.fields.v[0].value, "a=1; Path=/");
    assert_span(h.fields.v[1].name, "x");
    assert_span(h.fields.v[2].value, "b=2, c=3");
    assert_int_equal(fields_count(&h.fields, FIELD_SET_COOKIE), 2);
    arena_deinit(&a);
}

static void test_a_length_that_only_describes_stays(void **state)
{
    struct arena a;
    struct response_head h;
    parse("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", METHOD_HEAD, &a, &h);
    assert_span(fields_find(&h.fields, FIELD_CONTENT_LENGTH)->value, "1000");
    arena_deinit(&a);
    parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", METHOD_GET, &a, &h);
    assert_span(fields_find(&h.fields, FIELD_CONTENT_LENGTH)->value, "1000");
    arena_deinit(&a);
    parse("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", METHOD_GET, &a, &h);
    assert_null(fields_find(&h.fields, FIELD_CONTENT_LENGTH));
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_fields_keep_order_and_number),
        cmocka_unit_test(test_a_length_that_only_describes_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
