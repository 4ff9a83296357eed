#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static size_t terminal_width(int fd)
{
    struct winsize w;
    if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    const char *columns = getenv("COLUMNS");
    uint64_t n;
    if (columns && span_to_u64(span_str(columns), &n) == ERR_OK && n >= 20 && n <= 10000)
        return (size_t)n;
    return 80;
}

void term_init(struct term *t, FILE *f)
{
    *t = (struct term){.file = f, .tty = isatty(fileno(f)) == 1};
    if (!t->tty)
        return;
    const char *no_color = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    t->colour = !(no_color && *no_color) && !(kind && strcmp(kind, "dumb") == 0);
    t->width = terminal_width(fileno(f));
}

const char *term_bold(const struct term *t)
{
    return t->colour ? "\033[1m" : "";
}

const char *term_dim(const struct term *t)
{
    return t->colour ? "\033[2m" : "";
}

const char *term_red(const struct term *t)
{
    return t->colour ? "\033[31m" : "";
}

const char *term_green(const struct term *t)
{
    return t->colour ? "\033[32m" : "";
}

const char *term_plain(const struct term *t)
{
    return t->colour ? "\033[0m" : "";
}

/* One character of TEXT: its bytes, and its columns, -1 for what must not reach a terminal. */
static size_t next_char(const char *text, mbstate_t *state, int *columns)
{
    wchar_t wide;
    size_t len = mbrtowc(&wide, text, strnlen(text, MB_CUR_MAX), state);
    if (len == 0 || len == (size_t)-1 || len == (size_t)-2) {
        memset(state, 0, sizeof *state);
        *columns = -1;
        return 1;
    }
    *columns = wcwidth(wide);
    return len;
}

const char *text_clean(struct arena *arena, const char *text)
{
    size_t size = strlen(text);
    char *out = (char *)arena_must_alloc(arena, size + 1);
    mbstate_t state = {0};
    size_t o = 0;
    for (size_t i = 0; i < size;) {
        int columns;
        size_t len = next_char(text + i, &state, &columns);
        if (columns < 0) {
            out[o++] = strchr("\t\r\n", text[i]) ? ' ' : '?';
        } else {
            memcpy(out + o, text + i, len);
            o += len;
        }
        i += len;
    }
    out[o] = '\0';
    return out;
}

size_t text_width(const char *text)
{
    mbstate_t state = {0};
    size_t width = 0;
    while (*text) {
        int columns;
        text += next_char(text, &state, &columns);
        width += columns > 0 ? (size_t)columns : 0;
    }
    return width;
}

const char *text_cut(struct arena *arena, const char *text, size_t width)
{
    if (text_width(text) <= width)
        return text;
    mbstate_t state = {0};
    size_t used = 0, at = 0;
    for (;;) {
        int columns;
        size_t len = next_char(text + at, &state, &columns);
        size_t wide = columns > 0 ? (size_t)columns : 0;
        if (used + wide > width - 2)
            break;
        used += wide;
        at += len;
    }
    char *out = (char *)arena_must_alloc(arena, at + 3);
    memcpy(out, text, at);
    memcpy(out + at, "..", 3);
    return out;
}
