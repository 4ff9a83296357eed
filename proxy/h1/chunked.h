/* Decoding of chunked bodies (RFC 9112 7.1) without copying: the data of a chunk is a span of the
 * input. Chunk extensions are passed over within a bound; trailers are parsed into fields. */
#pragma once

#include "proxy/head/field.h"

enum chunked_state {
    CHUNKED_SIZE,
    CHUNKED_EXTENSION,
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER,
    CHUNKED_DONE,
    CHUNKED_BROKEN, /* for good: what follows is not read */
};

struct chunked {
    enum chunked_state state;
    uint64_t left;    /* of the chunk */
    unsigned digits;  /* of the size */
    size_t extension; /* bytes of extensions so far: bounded for the whole body */
    size_t trailer_scanned;
    enum err why;           /* broken */
    struct fields trailers; /* complete at CHUNKED_DONE; in the arena given */
};

void chunked_init(struct chunked *c);
/* Moves over framing at the front of IN: *SKIP bytes of it are to be consumed by the caller first,
 * then the first DATA.len bytes after them are body, which the caller reports with
 * chunked_data_consumed as it consumes them. ERR_AGAIN: more input is needed (SKIP still counts);
 * ERR_OK: data, or the end (chunked_done). ERR_SYNTAX: not chunked coding; ERR_FULL: too long
 * extensions or trailers; both stay so. Trailer fields are copied to ARENA. */
enum err chunked_next(struct chunked *c, struct span in, struct arena *arena, size_t *skip,
                      struct span *data) MUST_USE;
void chunked_data_consumed(struct chunked *c, size_t n);
static inline bool chunked_done(const struct chunked *c)
{
    return c->state == CHUNKED_DONE;
}
