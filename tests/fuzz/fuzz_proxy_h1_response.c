/* HTTP/1 responses: what is taken must mean the same once it has been written out again. The first byte
 * chooses the request's method. */
#include "proxy/h1/parse.h"
#include "proxy/h1/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_body(const struct response_head *h, enum method method)
{
    bool bodyless = method == METHOD_HEAD || h->status < 200 || h->status == 204 ||
                    h->status == 304;
    CHECK(!bodyless || h->body == BODY_NONE);
    CHECK(bodyless || h->body != BODY_NONE);
    CHECK(h->body != BODY_STREAM || !h->keep_alive);
    CHECK(fields_count(&h->fields, FIELD_CONTENT_LENGTH) <= (bodyless ? 1u : 0u));
    CHECK(!fields_find(&h->fields, FIELD_TRANSFER_ENCODING));
}

static void write_and_read_again(const struct response_head *h, enum method method,
                                 struct arena *arena)
{
    struct buf out;
    struct response_head again;
    struct h1_fault fault;
    size_t scanned = 0, len = 0;
    buf_init(&out, 256 * 1024);
    CHECK(h1_write_response(&out, h, span_of(NULL, 0)) == ERR_OK);
    CHECK(h1_find_head(buf_span(&out), &scanned, &len, &fault) == ERR_OK);
    CHECK(len == buf_len(&out));
    enum err e = h1_parse_response(buf_span(&out), method, arena, &again, &fault);
    CHECK(e == ERR_OK || e == ERR_FULL);
    if (e == ERR_OK) {
        CHECK(again.status == h->status && again.body == h->body);
        CHECK(again.content_length == h->content_length);
        CHECK(fields_count(&again.fields, FIELD_SET_COOKIE) ==
              fields_count(&h->fields, FIELD_SET_COOKIE));
    }
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum method method = data[0] % 2 ? METHOD_HEAD : METHOD_GET;
    struct span in = span_of(data + 1, size - 1);
    struct h1_fault fault = {0};
    size_t scanned = 0, len = 0;
    if (h1_find_head(in, &scanned, &len, &fault) != ERR_OK)
        return 0;

    struct arena arena;
    struct response_head h;
    arena_init(&arena, NULL, 0, 512 * 1024);
    enum err e = h1_parse_response(span_sub(in, 0, len), method, &arena, &h, &fault);
    if (e == ERR_OK) {
        CHECK(h.status >= 100 && h.status <= 599);
        check_body(&h, method);
        write_and_read_again(&h, method, &arena);
    } else {
        CHECK(fault.text);
    }
    arena_deinit(&arena);
    return 0;
}
