#include "config/values.h"

#include <stdarg.h>
#include <stdio.h>

#include "config/suggest.h"

/* Long values are cut, and what a terminal would take for more than text is masked. */
static void printable(struct span s, char *out, size_t size)
{
    size_t n = s.len < size - 1 ? s.len : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (s.p[i] >= 0x20 && s.p[i] != 0x7f) || (unsigned char)s.p[i] >= 0x80 ? s.p[i] : '?';
    out[n] = '\0';
    if (n < s.len && n >= 3)
        snprintf(out + n - 3, 4, "...");
}

static const char *nearest_choice(const struct value *v, char out[SUGGEST_TEXT_MAX])
{
    struct suggest suggest;
    suggest_init(&suggest, v->text);
    for (const struct schema_choice *c = v->key->choices; c && c->word; c++)
        suggest_offer(&suggest, span_str(c->word));
    return suggest_text(&suggest, out);
}

void value_fail(const struct value *v, const char *fmt, ...)
{
    char text[512], was[80], near[SUGGEST_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);

    if (v->key->type->secret) {
        load_fail(v->load, v->line, v->path, "%s", text);
        return;
    }
    printable(v->text, was, sizeof was);
    load_fail(v->load, v->line, v->path, "%s, not \"%s\"%s", text, was, nearest_choice(v, near));
}

const struct schema_choice *value_choice_of(const struct schema_key *key, struct span text)
{
    for (const struct schema_choice *c = key->choices; c && c->word; c++)
        if (span_eq(span_str(c->word), text))
            return c;
    return NULL;
}

const struct schema_choice *value_choice_for(const struct schema_key *key, uint64_t value)
{
    for (const struct schema_choice *c = key->choices; c && c->word; c++)
        if (c->value == value)
            return c;
    return NULL;
}

const char *value_choices_text(const struct schema_key *key, char out[VALUE_CHOICES_MAX])
{
    size_t at = 0;
    out[0] = '\0';
    for (const struct schema_choice *c = key->choices; c && c->word; c++) {
        at += (size_t)snprintf(out + at, VALUE_CHOICES_MAX - at, "%s%s",
                               c == key->choices ? "" : ", ", c->word);
        CHECK(at < VALUE_CHOICES_MAX);
    }
    return out;
}

bool value_string_absent(const struct schema_key *key, const void *in)
{
    (void)key;
    const char *s;
    memcpy(&s, in, sizeof s);
    return s == NULL;
}

void value_string_store(const char *s, void *out)
{
    memcpy(out, &s, sizeof s);
}

enum err value_string_write(const struct schema_key *key, const void *in, struct buf *out)
{
    (void)key;
    const char *s;
    memcpy(&s, in, sizeof s);
    CHECK(s != NULL);
    return value_write_quoted(span_str(s), out);
}

enum err value_write_quoted(struct span s, struct buf *out)
{
    TRY(buf_append(out, SPAN_LIT("\"")));
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (span_starts(span_from(s, i), SPAN_LIT("${")))
            TRY(buf_append(out, SPAN_LIT("$"))); /* it is no variable: interpolate.h */
        if (c == '"' || c == '\\')
            TRY(buf_printf(out, "\\%c", c));
        else if (c == '\t')
            TRY(buf_append(out, SPAN_LIT("\\t")));
        else
            TRY(buf_append(out, span_of(&c, 1)));
    }
    return buf_append(out, SPAN_LIT("\""));
}
