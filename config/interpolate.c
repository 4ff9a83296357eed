#include "config/interpolate.h"

#include <stdlib.h>

#include "core/buf.h"

#define VALUE_MAX 8192

static bool is_name_char(char c, bool first)
{
    char l = ascii_lower(c);
    return (l >= 'a' && l <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static bool is_variable_name(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_name_char(s.p[i], i == 0))
            return false;
    return s.len > 0;
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return true;
    return false;
}

static enum err put(struct buf *out, struct span s, const char **why)
{
    if (buf_append(out, s) == ERR_OK)
        return ERR_OK;
    *why = "with its variables filled in, the value is longer than 8192 bytes";
    return ERR_RANGE;
}

/* Takes "${NAME}" off the front of REST and appends what it stands for. */
static enum err put_variable(struct span *rest, struct arena *arena, struct buf *out,
                             const char **why)
{
    ptrdiff_t end = span_chr(*rest, '}');
    if (end < 0) {
        *why = "the '}' after '${' is missing (write $${ for a plain ${)";
        return ERR_SYNTAX;
    }
    struct span name = span_sub(*rest, 2, (size_t)end - 2);
    *rest = span_from(*rest, (size_t)end + 1);
    if (!is_variable_name(name)) {
        *why = "between '${' and '}' stands a variable's name (write $${ for a plain ${)";
        return ERR_SYNTAX;
    }

    const char *key = arena_strz(arena, name);
    const char *value = key ? getenv(key) : NULL;
    if (!value) {
        *why = arena_printf(arena, "the environment variable %s is not set", key ? key : "").p;
        return ERR_NOT_FOUND;
    }
    if (has_control(value)) {
        *why = arena_printf(arena, "the environment variable %s holds control characters", key).p;
        return ERR_SYNTAX;
    }
    return put(out, span_str(value), why);
}

static enum err fill_in(struct span rest, struct arena *arena, struct buf *out, const char **why)
{
    while (rest.len > 0) {
        if (span_starts(rest, SPAN_LIT("${"))) {
            TRY(put_variable(&rest, arena, out, why));
            continue;
        }
        bool escaped = span_starts(rest, SPAN_LIT("$${"));
        TRY(put(out, escaped ? SPAN_LIT("${") : span_sub(rest, 0, 1), why));
        rest = span_from(rest, escaped ? 3 : 1);
    }
    return ERR_OK;
}

static bool has_variable(struct span text)
{
    return text.len >= 2 && memmem(text.p, text.len, "${", 2) != NULL;
}

enum err interpolate(struct span text, struct arena *arena, struct span *out, const char **why)
{
    struct buf filled;
    if (!has_variable(text)) {
        *out = span_of(arena_strz(arena, text), text.len);
        *why = "there is not enough memory for the value";
        return out->p ? ERR_OK : ERR_RANGE;
    }

    buf_init(&filled, VALUE_MAX);
    enum err err = fill_in(text, arena, &filled, why);
    if (err == ERR_OK) {
        out->len = buf_len(&filled);
        out->p = arena_strz(arena, buf_span(&filled));
        *why = "there is not enough memory for the value";
        err = out->p ? ERR_OK : ERR_RANGE;
    }
    buf_deinit(&filled);
    return err;
}
