/* Rows and columns: an aligned table on a terminal, tab-separated lines without a heading in a pipe. */
#pragma once

#include "cli/term.h"
#include "core/arena.h"

struct grid_column {
    const char *title;
    bool flexible; /* cut when the terminal is too narrow; the others never are */
};

#define GRID_COLUMNS 8

struct grid_row {
    struct grid_row *next;
    const char *heading; /* above the cells' row; NULL: none */
    const char *cells[GRID_COLUMNS];
};

struct grid {
    struct arena *arena;
    const struct grid_column *columns;
    size_t n_columns;
    struct grid_row *first, **end;
    const char *heading; /* of the next row */
    /* The sequence that colours a cell of the column TINTED (term_green and its kin); NULL: no colours. */
    const char *(*tint)(const struct term *t, const char *cell);
    size_t tinted;
};

void grid_init(struct grid *g, struct arena *arena, const struct grid_column *columns, size_t n);
/* CELLS: as many as columns, borrowed until the print but cleaned (text_clean); NULL is "-". */
void grid_add(struct grid *g, const char *const *cells);
/* The rows that follow belong under TEXT, which a terminal shows on a line of its own; borrowed. */
void grid_head(struct grid *g, const char *text);
/* A heading is written even above no rows, on a terminal. */
void grid_print(const struct grid *g, const struct term *t);
