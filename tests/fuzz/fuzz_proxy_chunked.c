/* Chunked coding: in steps and at once the same bytes come out, and the same end. The first byte is the
 * step. */
#include "core/mem.h"
#include "proxy/h1/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoding {
    struct arena arena;
    struct chunked c;
    enum err err;
    char *body;
    size_t len, used;
};

static void decode(struct decoding *d, struct span in, size_t step)
{
    arena_init(&d->arena, NULL, 0, 512 * 1024);
    chunked_init(&d->c);
    d->body = mem_alloc(in.len + 1);
    d->len = d->used = 0;
    for (size_t to = 0;;) {
        size_t skip;
        struct span data;
        d->err = chunked_next(&d->c, span_sub(in, d->used, to - d->used), &d->arena, &skip, &data);
        d->used += skip;
        CHECK(d->used + data.len <= to);
        if (d->err == ERR_AGAIN && to < in.len) {
            to = in.len - to < step ? in.len : to + step;
            continue;
        }
        if (d->err != ERR_OK || chunked_done(&d->c))
            return;
        CHECK(data.len > 0 && data.p == in.p + d->used);
        memcpy(d->body + d->len, data.p, data.len);
        d->len += data.len;
        d->used += data.len;
        chunked_data_consumed(&d->c, data.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    struct decoding slow, whole;
    decode(&slow, in, (size_t)data[0] + 1);
    decode(&whole, in, in.len + 1);
    /* What is too long may be known at once or only later. */
    if (slow.err != ERR_FULL && whole.err != ERR_FULL)
        CHECK(slow.err == whole.err);
    if (slow.err == whole.err && whole.err == ERR_OK) {
        CHECK(slow.used == whole.used && slow.len == whole.len);
        CHECK(slow.len == 0 || memcmp(slow.body, whole.body, slow.len) == 0);
        CHECK(slow.c.trailers.n == whole.c.trailers.n && whole.c.trailers.n <= FIELDS_MAX);
        for (size_t i = 0; i < whole.c.trailers.n; i++)
            CHECK(field_fits_trailer(&whole.c.trailers.v[i]));
    }
    struct decoding *both[] = {&slow, &whole};
    for (size_t i = 0; i < 2; i++) {
        arena_deinit(&both[i]->arena);
        mem_free(both[i]->body);
    }
    return 0;
}
