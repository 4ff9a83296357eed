/* A capped buffer: bytes appended at the end, consumed at the front, never more than its ceiling.
 *
 * The storage is one contiguous run, so that parsers and writev see one span; it is taken when the
 * first byte comes and can be given back when the last has gone (buf_release), so that what idles
 * holds nothing. Growth doubles up to the ceiling. Single-threaded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/span.h"

struct buf {
    char *base;           /* storage, NULL when nothing is held */
    size_t head, tail;    /* the readable bytes are base[head..tail) */
    size_t size, ceiling; /* bytes of storage; the most it may grow to */
};

void buf_init(struct buf *b, size_t ceiling);
void buf_deinit(struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
    return b->tail - b->head;
}
static inline struct span buf_span(const struct buf *b)
{
    return span_of(b->base ? b->base + b->head : NULL, b->tail - b->head);
}
/* How many bytes may still be appended. */
static inline size_t buf_room(const struct buf *b)
{
    return b->ceiling - buf_len(b);
}

/* ERR_FULL beyond the ceiling, ERR_MEMORY without memory; then nothing was appended. S must not lie
 * in B itself. */
enum err buf_append(struct buf *b, struct span s) MUST_USE;
enum err buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* Makes room for at least MIN bytes behind the end and returns it (all that is there without
 * growing beyond the ceiling in *ROOM); NULL as buf_append fails. Then buf_commit what was
 * written. */
char *buf_reserve(struct buf *b, size_t min, size_t *room) MUST_USE;
void buf_commit(struct buf *b, size_t len);
void buf_consume(struct buf *b, size_t len);
/* Drops the content, keeps the storage. */
void buf_clear(struct buf *b);
/* Frees the storage if the buffer is empty. */
void buf_release(struct buf *b);
