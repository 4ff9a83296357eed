#include "proxy/h2/h2_cells.h"

#include <malloc.h>
#include <stdlib.h>

/* Of each size: for as many streams as a full turn closes. */
#define KEEP 256

struct h2_cell {
    struct h2_cell *next;
};

/* A cell of KIND has 16 * KIND + 8 bytes, as malloc's chunks have, at least. */
static size_t size_of_kind(size_t kind)
{
    return 16 * kind + 8;
}

void h2_cells_init(struct h2_cells *c)
{
    *c = (struct h2_cells){0};
}

void h2_cells_deinit(struct h2_cells *c)
{
    for (size_t kind = 0; kind < H2_CELL_KINDS; kind++) {
        while (c->kept[kind]) {
            struct h2_cell *cell = c->kept[kind];
            c->kept[kind] = cell->next;
            free(cell);
        }
        c->n[kind] = 0;
    }
}

void *h2_cells_alloc(struct h2_cells *c, size_t size)
{
    if (size > H2_CELL_MAX)
        return malloc(size);
    size_t kind = size <= size_of_kind(1) ? 1 : (size + 7) / 16;
    struct h2_cell *cell = c->kept[kind];
    if (!cell)
        return malloc(size_of_kind(kind));
    c->kept[kind] = cell->next;
    c->n[kind]--;
    return cell;
}

void h2_cells_free(struct h2_cells *c, void *p)
{
    size_t usable = malloc_usable_size(p); /* 0 for NULL */
    size_t kind = usable < 8 ? H2_CELL_KINDS : (usable - 8) / 16;
    if (kind >= H2_CELL_KINDS || c->n[kind] >= KEEP) {
        free(p);
        return;
    }
    struct h2_cell *cell = p;
    cell->next = c->kept[kind];
    c->kept[kind] = cell;
    c->n[kind]++;
}
