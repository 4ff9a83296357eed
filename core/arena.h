/* An arena hands out memory that is given back all at once.
 *
 * One per exchange, connection or compiled object. Single-threaded. The first block may be the
 * owner's own storage; further blocks come from the heap, up to a ceiling in total, so that what
 * a peer can make it hold is bounded. Nothing is freed singly. */
#pragma once

#include <stddef.h>

#include "core/err.h"
#include "core/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* heap blocks, newest first */
    char *next, *end;           /* free room of the current block */
    size_t held, ceiling;       /* heap bytes held; most it may hold */
    char *first;                /* the owner's block, may be NULL */
    size_t first_size;
};

/* FIRST (may be NULL with size 0) stays the caller's and must outlive the arena. */
void arena_init(struct arena *a, void *first, size_t first_size, size_t ceiling);
/* Gives back every heap block; what was handed out is gone. The arena may be used again. */
void arena_reset(struct arena *a);
void arena_deinit(struct arena *a);

/* Aligned for any type. NULL when the ceiling is reached: callers on a peer's behalf answer with an
 * error, others use arena_must_alloc, which dies. Not zeroed. */
void *arena_alloc(struct arena *a, size_t size) MUST_USE;
void *arena_must_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
/* Unaligned copy of S; a span with p == NULL on a full arena. An empty S gives a non-NULL p. */
struct span arena_copy(struct arena *a, struct span s) MUST_USE;
/* The copy lower-cased (ASCII). */
struct span arena_copy_lower(struct arena *a, struct span s) MUST_USE;
/* Terminated copy, NULL on a full arena. */
char *arena_strz(struct arena *a, struct span s) MUST_USE;
/* A formatted, terminated text as a span (without the terminator); p == NULL on a full arena. */
struct span arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* V in decimal digits; p == NULL on a full arena. */
struct span arena_u64(struct arena *a, uint64_t v) MUST_USE;
/* The pieces one after another. */
struct span arena_join(struct arena *a, const struct span *parts, size_t n) MUST_USE;
