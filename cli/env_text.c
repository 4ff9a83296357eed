#include "cli/env_text.h"

#include <string.h>

/* Where the next line that is a mark begins in S, or -1. */
static ptrdiff_t find_mark(struct span s)
{
    struct span mark = SPAN_LIT(ENV_MARK);
    for (size_t at = 0; at < s.len;) {
        struct span rest = span_from(s, at);
        ptrdiff_t end = span_chr(rest, '\n');
        struct span line = end < 0 ? rest : span_sub(rest, 0, (size_t)end);
        if (span_ends(line, SPAN_LIT("\r")))
            line.len--;
        if (span_eq(line, mark))
            return (ptrdiff_t)at;
        at += end < 0 ? rest.len : (size_t)end + 1;
    }
    return -1;
}

/* What follows the line that S begins with. */
static struct span after_line(struct span s)
{
    ptrdiff_t end = span_chr(s, '\n');
    return end < 0 ? span_of(NULL, 0) : span_from(s, (size_t)end + 1);
}

enum err env_text_without(struct span target, struct buf *out)
{
    struct span rest = target;
    ptrdiff_t at;
    while ((at = find_mark(rest)) >= 0) {
        struct span before = span_sub(rest, 0, (size_t)at);
        struct span inside = after_line(span_from(rest, (size_t)at));
        ptrdiff_t end = find_mark(inside);
        if (end < 0)
            return ERR_SYNTAX;
        rest = after_line(span_from(inside, (size_t)end));
        /* The line end in front of the mark is ours, unless it now parts two lines. */
        bool joins = before.len >= 2 && before.p[before.len - 2] != '\n' && rest.len > 0;
        if (before.len > 0 && !joins)
            before.len--;
        TRY(buf_append(out, before));
    }
    return buf_append(out, rest);
}

enum err env_text_with(struct span target, struct span lines, struct buf *out)
{
    TRY(env_text_without(target, out));
    TRY(buf_append(out, SPAN_LIT("\n" ENV_MARK "\n")));
    TRY(buf_append(out, lines));
    if (lines.len > 0 && !span_ends(lines, SPAN_LIT("\n")))
        TRY(buf_append(out, SPAN_LIT("\n")));
    return buf_append(out, SPAN_LIT(ENV_MARK "\n"));
}
