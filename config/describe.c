/* The reference of all keys, from the schema. */
#include <stdio.h>

#include "config/describe.h"
#include "config/values.h"
#include "core/duration.h"

#define PATH_MAX_TEXT 160

static enum err put_choices(const struct schema_key *key, struct buf *out)
{
    for (const struct schema_choice *c = key->choices; c && c->word; c++)
        TRY(buf_printf(out, "%s%s", c == key->choices ? "" : " | ", c->word));
    return ERR_OK;
}

static enum err put_range(const struct schema_key *key, struct buf *out)
{
    char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
    if (key->type == &value_number)
        return buf_printf(out, " from %ju to %ju", (uintmax_t)key->min, (uintmax_t)key->max);
    if (key->type == &value_duration)
        return buf_printf(out, " from %s to %s", duration_text(key->min, least),
                          duration_text(key->max, most));
    if (key->max)
        return buf_printf(out, " of at most %ju bytes", (uintmax_t)key->max);
    return ERR_OK;
}

static enum err put_list(const struct schema_key *key, struct buf *out)
{
    TRY(buf_printf(out, "list of %s", key->type ? key->type->plural : "maps"));
    if (key->min)
        TRY(buf_printf(out, ", at least %ju", (uintmax_t)key->min));
    if (key->max)
        TRY(buf_printf(out, ", at most %ju", (uintmax_t)key->max));
    return ERR_OK;
}

static enum err put_type(const struct schema_key *key, struct buf *out)
{
    if (schema_is_list(key))
        return put_list(key, out);
    if (!key->type)
        return buf_printf(out, "map");
    if (key->type == &value_choice)
        return put_choices(key, out);
    TRY(put_choices(key, out));
    TRY(buf_printf(out, "%s%s", key->choices ? " | " : "", key->type->name));
    return put_range(key, out);
}

static enum err put_default(const struct schema_key *key, struct buf *out)
{
    struct span rest = span_str(key->fallback), word;
    if (key->flags & SCHEMA_REQUIRED)
        return buf_printf(out, "; required");
    if (key->fallback_note)
        return buf_printf(out, "; default: %s", key->fallback_note);
    if (!schema_is_list(key))
        return key->fallback ? buf_printf(out, "; default %s", key->fallback) : ERR_OK;

    TRY(buf_printf(out, "; default ["));
    for (bool first = true; span_split(&rest, ' ', &word); first = false)
        TRY(buf_printf(out, "%s\"" SPAN_FMT "\"", first ? "" : ", ", SPAN_ARG(word)));
    return buf_printf(out, "]");
}

static enum err describe_key(const struct schema_key *key, const char *path, struct buf *out)
{
    TRY(buf_printf(out, "%s: ", path));
    TRY(put_type(key, out));
    TRY(put_default(key, out));
    TRY(buf_printf(out, "\n    %s\n", key->help));
    if (key->type && key->type->secret)
        TRY(buf_printf(out, "    Or %s_file: a file that holds it.\n", key->name));
    if (key->flags & SCHEMA_RESTART)
        TRY(buf_printf(out, "    A change needs a restart.\n"));
    return buf_printf(out, "\n");
}

static enum err describe_map(const struct schema *schema, const char *above, struct buf *out)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_key *key = &schema->keys[i];
        char path[PATH_MAX_TEXT];
        snprintf(path, sizeof path, "%s%s%s", above, above[0] ? "." : "", key->name);
        TRY(describe_key(key, path, out));
        if (!key->sub)
            continue;
        if (schema_is_list(key))
            snprintf(path, sizeof path, "%s%s%s[]", above, above[0] ? "." : "", key->name);
        TRY(describe_map(key->sub, path, out));
    }
    return ERR_OK;
}

enum err describe_schema(const struct schema *schema, struct buf *out)
{
    return describe_map(schema, "", out);
}

enum err config_describe(struct buf *out)
{
    return describe_schema(&config_schema, out);
}
