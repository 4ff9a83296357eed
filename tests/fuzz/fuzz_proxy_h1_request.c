/* HTTP/1 requests: arrival in steps must say what arrival at once says, and a request that is taken must
 * mean the same once it has been written out again. The first byte is the step. */
#include "proxy/h1/parse.h"
#include "proxy/h1/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    enum err err;
    size_t start, len;
    struct h1_fault fault;
};

static struct reading read_head(struct span in, size_t step)
{
    struct reading r = {.err = ERR_AGAIN};
    size_t scanned = 0, to = 0;
    while (r.err == ERR_AGAIN && to < in.len) {
        to = in.len - to < step ? in.len : to + step;
        if (scanned == 0)
            r.start += h1_skip_empty_line(span_sub(in, r.start, to - r.start));
        if (to > r.start)
            r.err = h1_find_head(span_sub(in, r.start, to - r.start), &scanned, &r.len, &r.fault);
        CHECK(scanned <= to - r.start);
    }
    return r;
}

static void check_fields(const struct fields *f)
{
    size_t bytes = 0;
    CHECK(f->n <= FIELDS_MAX);
    for (size_t i = 0; i < f->n; i++) {
        const struct field *line = &f->v[i];
        CHECK(field_name_valid(line->name) && field_value_valid(line->value));
        CHECK(field_lookup(line->name) == line->id);
        for (size_t k = 0; k < line->name.len; k++)
            CHECK(ascii_lower(line->name.p[k]) == line->name.p[k]);
        CHECK(line->id != FIELD_HOST && line->id != FIELD_CONTENT_LENGTH &&
              line->id != FIELD_TRANSFER_ENCODING);
        bytes += line->name.len + line->value.len + 32;
    }
    CHECK(bytes == f->bytes);
}

/* What is not passed on by the writer, because connection is said anew. */
static size_t count_written(const struct fields *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += f->v[i].id != FIELD_CONNECTION && f->v[i].id != FIELD_KEEP_ALIVE &&
             f->v[i].id != FIELD_PROXY_CONNECTION && f->v[i].id != FIELD_UPGRADE;
    return n;
}

static void write_and_read_again(const struct request_head *h, struct arena *arena)
{
    struct buf out;
    struct request_head again;
    struct h1_fault fault;
    size_t scanned = 0, len = 0;
    buf_init(&out, 256 * 1024);
    CHECK(h1_write_request(&out, h, h->target, h->authority, span_of(NULL, 0)) == ERR_OK);
    CHECK(h1_find_head(buf_span(&out), &scanned, &len, &fault) == ERR_OK);
    CHECK(len == buf_len(&out));
    enum err e = h1_parse_request(buf_span(&out), arena, &again, &fault);
    if (e == ERR_OK) {
        CHECK(span_eq(again.method_text, h->method_text) && span_eq(again.target, h->target));
        CHECK(span_eq(again.authority, h->authority));
        CHECK(again.body == h->body && again.content_length == h->content_length);
        /* A connection line of ours stands there for te. */
        size_t n = count_written(&again.fields);
        CHECK(n == count_written(&h->fields) || h->expect_continue != again.expect_continue);
    } else {
        /* Only for lack of room: framing and host come back as lines. */
        CHECK(e == ERR_FULL);
    }
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    struct reading slow = read_head(in, (size_t)data[0] + 1), whole = read_head(in, in.len);
    CHECK(slow.err == whole.err || slow.err == ERR_FULL || whole.err == ERR_FULL);
    if (whole.err != ERR_OK)
        return 0;
    CHECK(slow.err != ERR_OK || (slow.len == whole.len && slow.start == whole.start));

    struct arena arena;
    struct request_head h;
    struct h1_fault fault = {0};
    arena_init(&arena, NULL, 0, 512 * 1024);
    enum err e = h1_parse_request(span_sub(in, whole.start, whole.len), &arena, &h, &fault);
    if (e == ERR_OK) {
        CHECK(h.target.len > 0 && (h.target.p[0] == '/' || span_eq(h.target, SPAN_LIT("*"))));
        CHECK(h.path.len + h.query.len == h.target.len);
        CHECK(h.http10 || h.authority.p);
        CHECK(h.body != BODY_STREAM);
        check_fields(&h.fields);
        write_and_read_again(&h, &arena);
    } else {
        CHECK(fault.status >= 400 && fault.status <= 505 && fault.text);
    }
    arena_deinit(&arena);
    return 0;
}
