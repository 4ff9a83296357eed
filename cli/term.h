/* Standard output and standard error as they are met: a terminal or a pipe, how wide, in colour or
 * not; and text made fit for them. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/arena.h"

struct term {
    FILE *file;
    bool tty;
    bool colour;  /* a terminal, NO_COLOR not set, TERM not "dumb" */
    size_t width; /* columns; 0: not limited */
};

void term_init(struct term *t, FILE *f);

/* Escape sequences where there is colour, else "". */
const char *term_bold(const struct term *t);
const char *term_dim(const struct term *t);
const char *term_red(const struct term *t);
const char *term_green(const struct term *t);
const char *term_plain(const struct term *t);

/* TEXT with every control character, tab and line end made a blank: what others wrote (an owner's
 * name, say) can then neither steer the terminal nor break a line. TEXT itself when there is none. */
const char *text_clean(struct arena *arena, const char *text);
/* Columns that TEXT, in UTF-8, takes. These three need LC_CTYPE to be a UTF-8 locale. */
size_t text_width(const char *text);
/* TEXT cut to WIDTH columns, with ".." at the end when something is missing. WIDTH at least 3. */
const char *text_cut(struct arena *arena, const char *text, size_t width);
