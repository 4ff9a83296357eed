#include "proxy/h1/lines.h"
#include "proxy/head/chars.h"

/* The longest start line: a target at its limit, a method and a version. */
#define START_LINE_MAX (TARGET_MAX + 64)

size_t h1_skip_empty_line(struct span in)
{
    size_t n = 0;
    while (in.len - n >= 2 && in.p[n] == '\r' && in.p[n + 1] == '\n')
        n += 2;
    return n;
}

static bool start_line_is_too_long(struct span in)
{
    return in.len >= START_LINE_MAX && span_chr(span_sub(in, 0, START_LINE_MAX), '\n') < 0;
}

static enum err too_large(struct span in, struct h1_fault *fault)
{
    if (start_line_is_too_long(in))
        return h1_refuse(fault, ERR_FULL, 414, "The request target is too long.");
    return h1_refuse(fault, ERR_FULL, 431, "The header section is too large.");
}

/* Nothing but text was found between BEFORE, where the search had gone on, and AT, where IN ends for
 * now. */
static enum err not_yet(struct span in, size_t before, size_t at, struct h1_fault *fault)
{
    /* The start line is looked at once, when the limit is passed: the cost stays linear. */
    bool passed = before < START_LINE_MAX && at >= START_LINE_MAX;
    if (in.len >= HEAD_MAX || (passed && start_line_is_too_long(in)))
        return too_large(in, fault);
    return ERR_AGAIN;
}

static enum err bad_char(char c, struct h1_fault *fault)
{
    return h1_refuse(fault, ERR_SYNTAX, 400,
                     c == '\n'   ? "A line ends in LF without CR."
                     : c == '\r' ? "A CR stands without LF."
                                 : "The header section holds a control character.");
}

/* RFC 9112 2.2 allows a bare LF as the end of a line; who takes it disagrees with who does not about
 * where a message ends, so it is refused, as a bare CR must be. */
enum err h1_find_head(struct span in, size_t *scanned, size_t *len, struct h1_fault *fault)
{
    size_t before = *scanned, i = before;
    for (;;) {
        i += chars_text_len(span_from(in, i));
        *scanned = i;
        if (i == in.len)
            return not_yet(in, before, i, fault);
        if (in.p[i] != '\r')
            return bad_char(in.p[i], fault);
        if (i + 1 == in.len)
            return not_yet(in, before, i, fault);
        if (in.p[i + 1] != '\n')
            return bad_char('\r', fault);
        if (i == 0)
            return h1_refuse(fault, ERR_SYNTAX, 400, "An empty line stands before the start line.");
        if (in.p[i - 1] == '\n')
            break;
        i += 2;
    }
    *len = i + 2;
    return *len > HEAD_MAX ? too_large(in, fault) : ERR_OK;
}
