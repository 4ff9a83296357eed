/* The reference of all keys as the items of a man page. */
#include "config/describe.h"
#include "config/project_schema.h"

#define TEXT_MAX ((size_t)1024 * 1024)

/* What stands for C where roff would take it for more than a character. */
static struct span roff_of(const char *c)
{
    switch (*c) {
    case '\\':
        return SPAN_LIT("\\e");
    case '-':
        return SPAN_LIT("\\-");
    case '\'':
        return SPAN_LIT("\\(aq");
    case '`':
        return SPAN_LIT("\\(ga");
    default:
        return span_of(c, 1);
    }
}

static enum err put_line(struct buf *out, struct span s)
{
    if (s.len > 0 && s.p[0] == '.')
        TRY(buf_append(out, SPAN_LIT("\\&")));
    for (size_t i = 0; i < s.len; i++)
        TRY(buf_append(out, roff_of(s.p + i)));
    return buf_append(out, SPAN_LIT("\n"));
}

/* LINE of describe_schema: "KEY: TYPE", an indented sentence, or nothing. */
static enum err put_config_line(struct buf *out, struct span line)
{
    ptrdiff_t colon = span_chr(line, ':');
    if (line.len == 0)
        return ERR_OK;
    if (line.p[0] == ' ')
        return put_line(out, span_trim(line));
    CHECK(colon > 0);
    TRY(buf_append(out, SPAN_LIT(".It Ic ")));
    TRY(put_line(out, span_sub(line, 0, (size_t)colon)));
    TRY(put_line(out, span_trim(span_from(line, (size_t)colon + 1))));
    return buf_append(out, SPAN_LIT(".br\n"));
}

static enum err describe_as_mdoc(const struct schema *schema, struct buf *out)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    enum err e = describe_schema(schema, &text);
    struct span rest = buf_span(&text), line;
    while (e == ERR_OK && span_split(&rest, '\n', &line))
        e = put_config_line(out, line);
    buf_deinit(&text);
    return e;
}

enum err config_describe_mdoc(struct buf *out)
{
    return describe_as_mdoc(&config_schema, out);
}

enum err project_describe_mdoc(struct buf *out)
{
    return describe_as_mdoc(&project_schema, out);
}
