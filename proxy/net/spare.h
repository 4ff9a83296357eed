/* Buffers lent and given back: storage for what is active, none for what idles.
 *
 * One per worker. A connection takes storage when bytes come and gives it back when they have gone, so
 * ten thousand idle connections hold nothing and a busy one allocates nothing. Bulk storage is for who
 * keeps filling and emptying smaller ones, and so few may have it at a time that those who stop half-way
 * through a body cannot tie up much with it. */
#pragma once

#include "core/buf.h"

#define SPARE_SMALL (16 * 1024)
#define SPARE_LARGE (84 * 1024) /* four TLS records and one that was begun below the mark */
#define SPARE_BULK (276 * 1024)

enum spare_kind { SPARE_OF_SMALL, SPARE_OF_LARGE, SPARE_OF_BULK, SPARE_KINDS };

/* How many are kept for reuse: small ones for as many answers as a full turn takes in, or malloc would
 * give their pages back to the kernel and fetch them again in every turn. */
#define SPARE_KEEP 256
/* Bulk ones lent at a time; who asks for more gets large ones. */
#define SPARE_BULK_LENT 64

struct spare_shelf {
    char *kept[SPARE_KEEP];
    size_t n;
};

struct spare {
    struct spare_shelf shelves[SPARE_KINDS];
    size_t bulk_lent;
};

void spare_init(struct spare *s);
void spare_deinit(struct spare *s);
/* Gives B, which holds nothing, storage of this kind, or of the next smaller one where there is no more of
 * the bulk kind to lend. B's ceiling must allow it. What kind it was: spare_return wants to know. */
enum spare_kind spare_lend(struct spare *s, struct buf *b, enum spare_kind kind);
/* Whether one more of the bulk kind can be lent. */
static inline bool spare_has_bulk(const struct spare *s)
{
    return s->bulk_lent < SPARE_BULK_LENT;
}
/* Takes the storage of an empty B, lent as KIND, back; a B with content keeps it. */
void spare_return(struct spare *s, struct buf *b, enum spare_kind kind);
