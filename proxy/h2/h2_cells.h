/* Small pieces of memory for nghttp2, kept by their size.
 *
 * It takes five of them a stream, and gives them back when the stream closes. malloc keeps seven of a size at
 * hand; a turn in which a hundred streams close gives it hundreds, which it merges and parts again, at four
 * times the cost. They are malloc's own chunks, of the sizes it rounds to: any of them may be freed or grown
 * by realloc. One worker's thread only. */
#pragma once

#include <stddef.h>

/* Larger ones are malloc's affair. */
#define H2_CELL_MAX 520
#define H2_CELL_KINDS (H2_CELL_MAX / 16 + 1)

struct h2_cell;

struct h2_cells {
    struct h2_cell *kept[H2_CELL_KINDS];
    unsigned n[H2_CELL_KINDS];
};

void h2_cells_init(struct h2_cells *c);
/* Frees what is kept. What is in use is freed by free, or h2_cells_free before. */
void h2_cells_deinit(struct h2_cells *c);
/* As malloc. */
void *h2_cells_alloc(struct h2_cells *c, size_t size);
/* P came from h2_cells_alloc, malloc, calloc or realloc, or is NULL. */
void h2_cells_free(struct h2_cells *c, void *p);
