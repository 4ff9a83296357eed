/* Reads bytes as a front would: the head, then a body in chunks. Whole, or as it trickles in. */
#pragma once

#include <stdlib.h>

#include "proxy/h1/chunked.h"
#include "proxy/h1/parse.h"
#include "support/test.h"

#define BED_ARENA_MAX (512 * 1024)
/* Nothing wrong so far, but not all there. */
#define BED_INCOMPLETE (-1)

struct h1_bed {
    struct arena arena;
    struct request_head head;
    struct h1_fault fault;
    struct chunked chunked;
    char *body; /* decoded */
    size_t body_len;
    size_t used; /* bytes of the input that belong to the request */
};

static inline void bed_init(struct h1_bed *b)
{
    memset(b, 0, sizeof *b);
    arena_init(&b->arena, NULL, 0, BED_ARENA_MAX);
}

static inline void bed_deinit(struct h1_bed *b)
{
    arena_deinit(&b->arena);
    free(b->body);
}

/* 0: the body has ended; BED_INCOMPLETE; or 400. STEP bytes become visible at a time. */
static inline int bed_read_chunks(struct h1_bed *b, struct span in, size_t step)
{
    chunked_init(&b->chunked);
    b->body = calloc(1, in.len + 1);
    size_t from = 0, to = 0;
    for (;;) {
        size_t skip;
        struct span data;
        enum err e = chunked_next(&b->chunked, span_sub(in, from, to - from), &b->arena, &skip,
                                  &data);
        from += skip;
        if (e == ERR_OK && chunked_done(&b->chunked)) {
            b->used += from;
            return 0;
        }
        if (e == ERR_OK) {
            assert_true(data.len > 0 && data.p == in.p + from);
            memcpy(b->body + b->body_len, data.p, data.len);
            b->body_len += data.len;
            from += data.len;
            chunked_data_consumed(&b->chunked, data.len);
            continue;
        }
        if (e != ERR_AGAIN)
            return 400;
        if (to == in.len)
            return BED_INCOMPLETE;
        to = in.len - to < step ? in.len : to + step;
    }
}

/* The status the request would be refused with, 0 when it is taken, or BED_INCOMPLETE. */
static inline int bed_read(struct h1_bed *b, struct span in, size_t step)
{
    size_t start = 0, scanned = 0, len = 0;
    enum err e = ERR_AGAIN;
    for (size_t to = step < in.len ? step : in.len;; to = in.len - to < step ? in.len : to + step) {
        if (scanned == 0)
            start += h1_skip_empty_line(span_sub(in, start, to - start));
        if (to > start)
            e = h1_find_head(span_sub(in, start, to - start), &scanned, &len, &b->fault);
        if (e != ERR_AGAIN || to == in.len)
            break;
    }
    if (e == ERR_AGAIN)
        return BED_INCOMPLETE;
    struct span head = span_sub(in, start, len);
    if (e == ERR_OK)
        e = h1_parse_request(head, &b->arena, &b->head, &b->fault);
    if (e != ERR_OK) {
        assert_true(b->fault.status >= 400 && b->fault.text != NULL);
        return b->fault.status;
    }
    b->used = start + len;
    if (b->head.body != BODY_CHUNKED)
        return 0;
    return bed_read_chunks(b, span_from(in, start + len), step);
}
