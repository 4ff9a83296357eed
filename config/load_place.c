/* Where things are: key paths, lines and relative paths. */
#include <stdio.h>

#include "config/errors.h"
#include "config/load.h"

#define PATH_TEXT_MAX 512

/* A key can be anything in the file, so what is shown of it is cut and masked. */
static size_t put_name(struct span name, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < name.len && i < 64 && n + 1 < room; i++) {
        char c = name.p[i];
        out[n++] = c > ' ' && c != 0x7f ? c : '?';
    }
    out[n] = '\0';
    return n;
}

static size_t put_path(const struct key_path *path, char *out, size_t room)
{
    out[0] = '\0';
    if (!path)
        return 0;
    size_t n = put_path(path->up, out, room);
    if (room - n < 32)
        return n;
    if (!path->name.p)
        return n + (size_t)snprintf(out + n, room - n, "[%zu]", path->index);
    if (n > 0)
        out[n++] = '.';
    return n + put_name(path->name, out + n, room - n);
}

void load_fail(struct load *l, unsigned line, const struct key_path *path, const char *fmt, ...)
{
    char text[PATH_TEXT_MAX];
    va_list args;
    put_path(path, text, sizeof text);
    va_start(args, fmt);
    errors_add_v(l->errors, line, text, fmt, args);
    va_end(args);
}

const char *load_at(struct load *l, const char *fmt, ...)
{
    char text[PATH_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *z = arena_strz(l->scratch, span_str(text));
    CHECK(z != NULL);
    return z;
}

void load_fail_at(struct load *l, const char *path, const char *fmt, ...)
{
    const struct yaml_node *node = yaml_tree_at(l->root, path);
    va_list args;
    va_start(args, fmt);
    errors_add_v(l->errors, node == l->root ? 0 : node->line, path, fmt, args);
    va_end(args);
}

const char *load_absolute(struct load *l, struct span path)
{
    bool absolute = span_starts(path, SPAN_LIT("/"));
    struct span whole = absolute
                            ? arena_printf(l->arena, SPAN_FMT, SPAN_ARG(path))
                            : arena_printf(l->arena, "%s%s" SPAN_FMT, l->folder,
                                           span_ends(span_str(l->folder), SPAN_LIT("/")) ? "" : "/",
                                           SPAN_ARG(path));
    CHECK(whole.p != NULL);
    return whole.p;
}
