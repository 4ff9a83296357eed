#include "cli/grid.h"

#define GAP 2
#define NARROWEST 8 /* a flexible column stays at least as wide */

void grid_init(struct grid *g, struct arena *arena, const struct grid_column *columns, size_t n)
{
    CHECK(n > 0 && n <= GRID_COLUMNS);
    *g = (struct grid){.arena = arena, .columns = columns, .n_columns = n};
    g->end = &g->first;
}

void grid_add(struct grid *g, const char *const *cells)
{
    struct grid_row *row = (struct grid_row *)arena_must_alloc(g->arena, sizeof *row);
    row->next = NULL;
    row->heading = g->heading;
    g->heading = NULL;
    for (size_t i = 0; i < g->n_columns; i++)
        row->cells[i] = cells[i] && *cells[i] ? text_clean(g->arena, cells[i]) : "-";
    *g->end = row;
    g->end = &row->next;
}

void grid_head(struct grid *g, const char *text)
{
    g->heading = text_clean(g->arena, text);
}

static void measure(const struct grid *g, size_t width[GRID_COLUMNS])
{
    for (size_t i = 0; i < g->n_columns; i++)
        width[i] = text_width(g->columns[i].title);
    for (const struct grid_row *row = g->first; row; row = row->next)
        for (size_t i = 0; i < g->n_columns; i++) {
            size_t w = text_width(row->cells[i]);
            width[i] = w > width[i] ? w : width[i];
        }
}

/* Takes what is too much from the widest flexible column, a character at a time. */
static void squeeze(const struct grid *g, size_t width[GRID_COLUMNS], size_t room)
{
    size_t total = GAP * (g->n_columns - 1);
    for (size_t i = 0; i < g->n_columns; i++)
        total += width[i];
    for (; total > room; total--) {
        size_t widest = GRID_COLUMNS;
        for (size_t i = 0; i < g->n_columns; i++)
            if (g->columns[i].flexible && width[i] > NARROWEST &&
                (widest == GRID_COLUMNS || width[i] > width[widest]))
                widest = i;
        if (widest == GRID_COLUMNS)
            return;
        width[widest]--;
    }
}

static void print_cell(const struct grid *g, const struct term *t, const char *text, size_t i,
                       size_t width)
{
    if (g->columns[i].flexible)
        text = text_cut(g->arena, text, width < 3 ? 3 : width);
    size_t used = text_width(text);
    bool last = i + 1 == g->n_columns, tinted = g->tint && i == g->tinted && *text;
    fprintf(t->file, "%s%s%s%*s", tinted ? g->tint(t, text) : "", text, tinted ? term_plain(t) : "",
            last || used >= width ? 0 : (int)(width - used), "");
    fputs(last ? "\n" : "  ", t->file);
}

static void print_aligned(const struct grid *g, const struct term *t)
{
    size_t width[GRID_COLUMNS] = {0};
    measure(g, width);
    if (t->width)
        squeeze(g, width, t->width);

    fputs(term_bold(t), t->file);
    for (size_t i = 0; i < g->n_columns; i++) {
        /* The sequence that ends the bold stands before the line's end, where it can be copied away. */
        bool last = i + 1 == g->n_columns;
        if (last)
            fprintf(t->file, "%s%s\n", g->columns[i].title, term_plain(t));
        else
            print_cell(g, t, g->columns[i].title, i, width[i]);
    }
    for (const struct grid_row *row = g->first; row; row = row->next) {
        if (row->heading)
            fprintf(t->file, "%s%s%s\n", term_bold(t), row->heading, term_plain(t));
        for (size_t i = 0; i < g->n_columns; i++)
            print_cell(g, t, row->cells[i], i, width[i]);
    }
}

void grid_print(const struct grid *g, const struct term *t)
{
    if (t->tty) {
        print_aligned(g, t);
        return;
    }
    for (const struct grid_row *row = g->first; row; row = row->next)
        for (size_t i = 0; i < g->n_columns; i++)
            fprintf(t->file, "%s%c", row->cells[i], i + 1 == g->n_columns ? '\n' : '\t');
}
