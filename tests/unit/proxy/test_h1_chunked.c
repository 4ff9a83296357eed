/* Chunked coding beyond what the attacks try: data without copying, bounds, trailers. RFC 9112 7.1. */
#include "proxy/h1/chunked.h"

#include <stdlib.h>

#include "proxy/h1/write.h"
#include "support/test.h"

static struct arena arena;

static int setup(void **state)
{
    arena_init(&arena, NULL, 0, 256 * 1024);
    return 0;
}

static int teardown(void **state)
{
    arena_deinit(&arena);
    return 0;
}

static void test_data_is_the_input(void **state)
{
    struct chunked c;
    struct span in = SPAN_LIT("5\r\nhello\r\n0\r\n\r\nnext"), data;
    size_t skip;
    chunked_init(&c);
    assert_ok(chunked_next(&c, in, &arena, &skip, &data));
    assert_int_equal(skip, 3);
    assert_ptr_equal(data.p, in.p + 3);
    assert_span(data, "hello");

    /* Taken in parts: what is left is told again. */
    chunked_data_consumed(&c, 2);
    in = span_from(in, skip + 2);
    assert_ok(chunked_next(&c, in, &arena, &skip, &data));
    assert_int_equal(skip, 0);
    assert_span(data, "llo");
    chunked_data_consumed(&c, 3);
    in = span_from(in, 3);
    assert_ok(chunked_next(&c, in, &arena, &skip, &data));
    assert_true(chunked_done(&c));
    assert_int_equal(data.len, 0);
    assert_span(span_from(in, skip), "next");
    /* And it stays so. */
    assert_ok(chunked_next(&c, SPAN_LIT("next"), &arena, &skip, &data));
    assert_int_equal(skip, 0);
}

static void test_framing_is_skipped_when_more_is_needed(void **state)
{
    struct chunked c;
    struct span data;
    size_t skip;
    chunked_init(&c);
    assert_err(ERR_AGAIN, chunked_next(&c, SPAN_LIT(""), &arena, &skip, &data));
    assert_int_equal(skip, 0);
    assert_err(ERR_AGAIN, chunked_next(&c, SPAN_LIT("5;a"), &arena, &skip, &data));
    assert_int_equal(skip, 3);
    assert_err(ERR_AGAIN, chunked_next(&c, SPAN_LIT("b\r\n"), &arena, &skip, &data));
    assert_int_equal(skip, 3);
    assert_ok(chunked_next(&c, SPAN_LIT("h"), &arena, &skip, &data));
    assert_span(data, "h");
}

/* Who asks again behind a bad byte must not be given what stands after it. */
static void test_what_is_broken_stays_broken(void **state)
{
    struct chunked c;
    struct span data, in = SPAN_LIT("0x3\r\nabc\r\n0\r\n\r\n");
    size_t skip;
    chunked_init(&c);
    assert_err(ERR_SYNTAX, chunked_next(&c, in, &arena, &skip, &data));
    for (size_t i = skip; i < in.len; i++) {
        assert_err(ERR_SYNTAX, chunked_next(&c, span_from(in, i), &arena, &skip, &data));
        assert_int_equal(skip, 0);
        assert_int_equal(data.len, 0);
    }
    assert_false(chunked_done(&c));
}

static void test_trailers_are_copied_and_sifted(void **state)
{
    struct chunked c;
    char in[] = "0\r\nGrpc-Status: 0\r\nContent-Length: 5\r\nX-A:  b \r\nTransfer-Encoding: x\r\n"
                "Set-Cookie: a=b\r\nHost: evil\r\n\r\n";
    struct span data;
    size_t skip;
    chunked_init(&c);
    assert_ok(chunked_next(&c, span_str(in), &arena, &skip, &data));
    assert_true(chunked_done(&c));
    assert_int_equal(skip, sizeof in - 1);
    memset(in, '?', sizeof in);
    assert_int_equal(c.trailers.n, 2);
    assert_span(c.trailers.v[0].name, "grpc-status");
    assert_span(c.trailers.v[0].value, "0");
    assert_span(c.trailers.v[1].value, "b");
}

/* Feeds UNIT N times behind PREFIX; what comes out at the end. */
static enum err feed(const char *prefix, const char *unit, size_t n, size_t step)
{
    size_t len = strlen(prefix) + n * strlen(unit);
    char *text = malloc(len), *at = text;
    memcpy(at, prefix, strlen(prefix));
    at += strlen(prefix);
    for (size_t i = 0; i < n; i++, at += strlen(unit))
        memcpy(at, unit, strlen(unit));

    struct chunked c;
    struct span data;
    size_t skip, from = 0;
    enum err e = ERR_AGAIN;
    chunked_init(&c);
    for (size_t to = 0; to <= len && (e == ERR_AGAIN || e == ERR_OK);) {
        e = chunked_next(&c, span_of(text + from, to - from), &arena, &skip, &data);
        from += skip + data.len;
        if (data.len > 0)
            chunked_data_consumed(&c, data.len);
        else
            to = to == len ? len + 1 : len - to < step ? len : to + step;
    }
    free(text);
    return e;
}

static void test_extensions_are_bounded(void **state)
{
    assert_err(ERR_AGAIN, feed("5;", "a", 16000, 1000));
    assert_err(ERR_FULL, feed("5;", "a", 17000, 1000));
    assert_err(ERR_FULL, feed("5;", "a", 17000, 17000));
    /* In the whole body, not only in one chunk. */
    assert_err(ERR_AGAIN, feed("", "1;xxxxxxx\r\na\r\n", 2000, 1000));
    assert_err(ERR_FULL, feed("", "1;xxxxxxx\r\na\r\n", 2100, 1000));
    assert_err(ERR_FULL, feed("", "1;\r\na\r\n", 17000, 1000));
}

static void test_trailers_are_bounded(void **state)
{
    assert_err(ERR_AGAIN, feed("0\r\n", "x: y\r\n", 100, 64));
    assert_err(ERR_FULL, feed("0\r\nx: ", "y", 70 * 1024, 4096));
    char many[] = "0\r\n";
    assert_err(ERR_FULL, feed(many, "x: 0123456789012345678901234567890\r\n", 2000, 4096));
    /* 201 lines, then the end. */
    struct chunked c;
    struct span data;
    size_t skip;
    char *text = calloc(1, 4096), *at = text;
    memcpy(at, "0\r\n", 3);
    at += 3;
    for (size_t i = 0; i <= FIELDS_MAX; i++, at += 6)
        memcpy(at, "x: y\r\n", 6);
    memcpy(at, "\r\n", 2);
    chunked_init(&c);
    assert_err(ERR_FULL,
               chunked_next(&c, span_of(text, (size_t)(at + 2 - text)), &arena, &skip, &data));
    free(text);
}

static void test_what_is_written_is_read(void **state)
{
    static const size_t sizes[] = {1, 15, 16, 255, 4096, 65535, 70000};
    struct buf out;
    buf_init(&out, 1024 * 1024);
    struct fields trailers = {0};
    assert_ok(fields_add(&trailers, &arena, FIELD_OTHER, SPAN_LIT("x-a"), SPAN_LIT("b")));
    assert_ok(fields_add_id(&trailers, &arena, FIELD_CONTENT_LENGTH, SPAN_LIT("5")));
    char *bytes = malloc(70000);
    memset(bytes, '\r', 70000);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char header[18];
        assert_ok(buf_append(&out, span_of(header, h1_chunk_header(header, sizes[i]))));
        assert_ok(buf_append(&out, span_of(bytes, sizes[i])));
        assert_ok(buf_append(&out, SPAN_LIT("\r\n")));
    }
    assert_ok(h1_write_last_chunk(&out, &trailers));

    struct chunked c;
    chunked_init(&c);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct span data;
        size_t skip;
        assert_ok(chunked_next(&c, buf_span(&out), &arena, &skip, &data));
        assert_int_equal(data.len, sizes[i]);
        chunked_data_consumed(&c, data.len);
        buf_consume(&out, skip + data.len);
    }
    struct span data;
    size_t skip;
    assert_ok(chunked_next(&c, buf_span(&out), &arena, &skip, &data));
    assert_true(chunked_done(&c));
    assert_int_equal(skip, buf_len(&out));
    assert_int_equal(c.trailers.n, 1);
    free(bytes);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_is_the_input),
        cmocka_unit_test(test_framing_is_skipped_when_more_is_needed),
        cmocka_unit_test(test_what_is_broken_stays_broken),
        cmocka_unit_test(test_trailers_are_copied_and_sifted),
        cmocka_unit_test(test_extensions_are_bounded),
        cmocka_unit_test(test_trailers_are_bounded),
        cmocka_unit_test(test_what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
