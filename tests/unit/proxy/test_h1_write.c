/* Heads on their way out: complete, in one form only, and never with a line too many. */
#include "proxy/h1/parse.h"
#include "proxy/h1/write.h"
#include "support/test.h"

static struct arena arena;
static struct buf out;

static int setup(void **state)
{
    arena_init(&arena, NULL, 0, 64 * 1024);
    buf_init(&out, 64 * 1024);
    return 0;
}

static int teardown(void **state)
{
    arena_deinit(&arena);
    buf_deinit(&out);
    return 0;
}

static void add(struct fields *f, const char *name, const char *value)
{
    struct span n = span_str(name);
    assert_ok(fields_add(f, &arena, field_lookup(n), n, span_str(value)));
}

static struct request_head get(void)
{
    struct request_head h = {.method = METHOD_GET, .method_text = SPAN_LIT("GET")};
    return h;
}

#define WRITES_REQUEST(h, connection, text)                                                        \
    do {                                                                                           \
        assert_ok(h1_write_request(&out, (h), SPAN_LIT("/x?y"), SPAN_LIT("back:1"),                \
                                   SPAN_LIT(connection)));                                         \
        assert_span(buf_span(&out), text);                                                         \
    } while (0)

static void test_a_request(void **state)
{
    struct request_head h = get();
    add(&h.fields, "accept", "*/*");
    add(&h.fields, "x-empty", "");
    WRITES_REQUEST(&h, "", "GET /x?y HTTP/1.1\r\nhost: back:1\r\naccept: */*\r\nx-empty: \r\n\r\n");
}

static void test_request_bodies(void **state)
{
    struct request_head h = get();
    h.body = BODY_LENGTH;
    h.content_length = UINT64_MAX;
    WRITES_REQUEST(&h, "",
                   "GET /x?y HTTP/1.1\r\nhost: back:1\r\n"
                   "content-length: 18446744073709551615\r\n\r\n");
    buf_clear(&out);
    h.content_length = 0;
    WRITES_REQUEST(&h, "", "GET /x?y HTTP/1.1\r\nhost: back:1\r\ncontent-length: 0\r\n\r\n");
    buf_clear(&out);
    h.body = BODY_STREAM;
    WRITES_REQUEST(&h, "",
                   "GET /x?y HTTP/1.1\r\nhost: back:1\r\ntransfer-encoding: chunked\r\n\r\n");
}

static void test_connection_options(void **state)
{
    struct request_head h = get();
    h.upgrade = SPAN_LIT("websocket");
    WRITES_REQUEST(&h, "upgrade",
                   "GET /x?y HTTP/1.1\r\nhost: back:1\r\nupgrade: websocket\r\n"
                   "connection: upgrade\r\n\r\n");
    buf_clear(&out);
    WRITES_REQUEST(&h, "", "GET /x?y HTTP/1.1\r\nhost: back:1\r\n\r\n");
    buf_clear(&out);
    add(&h.fields, "te", "trailers");
    WRITES_REQUEST(&h, "",
                   "GET /x?y HTTP/1.1\r\nhost: back:1\r\nte: trailers\r\nconnection: te\r\n\r\n");
    buf_clear(&out);
    WRITES_REQUEST(&h, "close",
                   "GET /x?y HTTP/1.1\r\nhost: back:1\r\nte: trailers\r\n"
                   "connection: close, te\r\n\r\n");
}

/* However the fields came in: framing is said once, by us. */
static void test_framing_is_said_once(void **state)
{
    struct request_head h = get();
    add(&h.fields, "content-length", "7");
    add(&h.fields, "transfer-encoding", "chunked");
    add(&h.fields, "connection", "x");
    add(&h.fields, "host", "evil");
    add(&h.fields, "keep-alive", "x");
    add(&h.fields, "upgrade", "h2c");
    WRITES_REQUEST(&h, "", "GET /x?y HTTP/1.1\r\nhost: back:1\r\n\r\n");
    buf_clear(&out);
    h.body = BODY_LENGTH;
    h.content_length = 5;
    WRITES_REQUEST(&h, "", "GET /x?y HTTP/1.1\r\nhost: back:1\r\ncontent-length: 5\r\n\r\n");
}

#define WRITES_RESPONSE(h, connection, text)                                                       \
    do {                                                                                           \
        buf_clear(&out);                                                                           \
        assert_ok(h1_write_response(&out, (h), SPAN_LIT(connection)));                             \
        assert_span(buf_span(&out), text);                                                         \
    } while (0)

static void test_responses(void **state)
{
    struct response_head h = {.status = 200, .reason = SPAN_LIT("Fine"), .body = BODY_LENGTH};
    add(&h.fields, "set-cookie", "a=1");
    add(&h.fields, "set-cookie", "b=2");
    WRITES_RESPONSE(&h, "",
                    "HTTP/1.1 200 Fine\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
                    "content-length: 0\r\n\r\n");
    h = (struct response_head){.status = 404, .body = BODY_CHUNKED};
    WRITES_RESPONSE(&h, "close",
                    "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n"
                    "connection: close\r\n\r\n");
    h = (struct response_head){.status = 431, .body = BODY_STREAM};
    WRITES_RESPONSE(&h, "", "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n");
    h = (struct response_head){.status = 299};
    WRITES_RESPONSE(&h, "", "HTTP/1.1 299 \r\n\r\n");
    h = (struct response_head){.status = 101};
    add(&h.fields, "upgrade", "websocket");
    WRITES_RESPONSE(&h, "upgrade",
                    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
                    "connection: upgrade\r\n\r\n");
    /* The answer to HEAD, and 304. */
    h = (struct response_head){.status = 200};
    add(&h.fields, "content-length", "1000");
    WRITES_RESPONSE(&h, "", "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    h.body = BODY_CHUNKED;
    WRITES_RESPONSE(&h, "", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
}

static void test_nothing_or_all(void **state)
{
    struct buf small;
    buf_init(&small, 64);
    struct request_head h = get();
    add(&h.fields, "x", "0123456789012345678901234567890123456789");
    assert_err(ERR_FULL, h1_write_request(&small, &h, SPAN_LIT("/"), SPAN_LIT("a"), SPAN_LIT("")));
    assert_int_equal(buf_len(&small), 0);
    buf_deinit(&small);
}

struct injection {
    const char *target, *host, *name, *value, *connection;
};

static void write_injection(void *arg)
{
    const struct injection *i = arg;
    struct request_head h = get();
    struct span n = span_str(i->name);
    enum err e = fields_add(&h.fields, &arena, field_lookup(n), n, span_str(i->value));
    if (e == ERR_OK)
        e = h1_write_request(&out, &h, span_str(i->target), span_str(i->host),
                             span_str(i->connection));
    (void)e;
}

static void test_injections_are_bugs(void **state)
{
    static const struct injection good = {"/", "a", "x", "y", "close"};
    static const struct injection bad[] = {
        {"/ HTTP/1.1\r\nx: y", "a", "x", "y", ""},
        {"/ x", "a", "x", "y", ""},
        {"", "a", "x", "y", ""},
        {"/\n", "a", "x", "y", ""},
        {"/", "a\r\nx: y", "x", "y", ""},
        {"/", "a", "x\r\ny", "z", ""},
        {"/", "a", "x", "y\r\nz: 1", ""},
        {"/", "a", "x", "y\n", ""},
        {"/", "a", "x", "y\r", ""},
        {"/", "a", "x", "0123456789abcdefgh\n", ""},
        {"/", "a", "x", "y", "close\r\nx: y"},
    };
    assert_false(test_aborts(write_injection, (void *)(uintptr_t)&good));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(test_aborts(write_injection, (void *)(uintptr_t)&bad[i]));
}

static void test_chunk_headers(void **state)
{
    static const struct {
        size_t len;
        const char *text;
    } cases[] = {{1, "1\r\n"},         {15, "f\r\n"},       {16, "10\r\n"},
                 {0x1a2b, "1a2b\r\n"}, {16384, "4000\r\n"}, {SIZE_MAX, "ffffffffffffffff\r\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char header[18];
        size_t n = h1_chunk_header(header, cases[i].len);
        assert_true(span_eq(span_of(header, n), span_str(cases[i].text)));
    }
}

static void test_last_chunks(void **state)
{
    struct fields none = {0}, some = {0};
    add(&some, "grpc-status", "0");
    add(&some, "host", "evil");
    assert_ok(h1_write_last_chunk(&out, &none));
    assert_span(buf_span(&out), "0\r\n\r\n");
    buf_clear(&out);
    assert_ok(h1_write_last_chunk(&out, &some));
    assert_span(buf_span(&out), "0\r\ngrpc-status: 0\r\n\r\n");
}

static void test_what_is_written_is_read(void **state)
{
    struct request_head h = get(), again;
    struct h1_fault fault;
    add(&h.fields, "x-a", "b");
    h.body = BODY_CHUNKED;
    assert_ok(h1_write_request(&out, &h, SPAN_LIT("/x?y"), SPAN_LIT("back:1"), SPAN_LIT("close")));
    size_t scanned = 0, len;
    assert_ok(h1_find_head(buf_span(&out), &scanned, &len, &fault));
    assert_int_equal(len, buf_len(&out));
    assert_ok(h1_parse_request(buf_span(&out), &arena, &again, &fault));
    assert_span(again.target, "/x?y");
    assert_span(again.authority, "back:1");
    assert_int_equal(again.body, BODY_CHUNKED);
    assert_false(again.keep_alive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_request_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connection_options, setup, teardown),
        cmocka_unit_test_setup_teardown(test_framing_is_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_responses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_or_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_injections_are_bugs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunk_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
