/* Buffers lent and given back: storage for what is active, none for what idles.
 *
 * One per worker. A connection takes storage when bytes come and gives it back when they have gone, so
 * ten thousand idle connections hold nothing and a busy one allocates nothing. */
#pragma once

#include "core/buf.h"

#define SPARE_SMALL (16 * 1024)
#define SPARE_LARGE (84 * 1024) /* four TLS records and one that was begun below the mark */
/* How many are kept for reuse: small ones for as many answers as a full turn takes in, or malloc would
 * give their pages back to the kernel and fetch them again in every turn. */
#define SPARE_KEEP_SMALL 256
#define SPARE_KEEP_LARGE 64

struct spare {
    char *small[SPARE_KEEP_SMALL], *large[SPARE_KEEP_LARGE];
    size_t n_small, n_large;
};

void spare_init(struct spare *s);
void spare_deinit(struct spare *s);
/* Gives B, which holds nothing, storage of SPARE_SMALL bytes (SPARE_LARGE with LARGE). B's ceiling
 * must allow it. */
void spare_lend(struct spare *s, struct buf *b, bool large);
/* Takes the storage of an empty B back; a B with content keeps it. */
void spare_return(struct spare *s, struct buf *b);
