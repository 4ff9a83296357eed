/* A config as YAML that loads to the same one, along the schema. */
#include "config/dump.h"
#include "config/values.h"

static enum err indent(struct buf *out, unsigned depth)
{
    return buf_printf(out, "%*s", (int)(2 * depth), "");
}

static size_t item_count(const struct schema_key *key, const char *base)
{
    size_t n;
    memcpy(&n, base + key->count_offset, sizeof n);
    return n;
}

static const char *items_of(const struct schema_key *key, const char *base)
{
    const char *items;
    memcpy(&items, base + key->offset, sizeof items);
    return items;
}

static bool is_default(const struct schema_key *key, const void *in)
{
    struct buf text;
    buf_init(&text, 256);
    bool same = key->fallback && key->type->write(key, in, &text) == ERR_OK &&
                span_eq(buf_span(&text), span_str(key->fallback));
    buf_deinit(&text);
    return same;
}

/* Whether KEY has anything to show: a map of nothing but absent keys has not. */
static bool has_value(const struct schema_key *key, const char *base)
{
    bool only_changed = key->flags & SCHEMA_DUMP_CHANGED;
    if (schema_is_list(key))
        return !only_changed || item_count(key, base) > 0;
    if (key->type) {
        const char *in = base + key->offset;
        if (key->type->absent && key->type->absent(key, in))
            return false;
        return !only_changed || !is_default(key, in);
    }
    for (size_t i = 0; i < key->sub->n; i++) {
        const struct schema_key *child = &key->sub->keys[i];
        if (has_value(child, base))
            return true;
        if (child->flags & SCHEMA_REQUIRED)
            return false; /* the map was not given */
    }
    return false;
}

static enum err dump_map(const struct schema *schema, const char *base, unsigned depth,
                         bool after_dash, struct buf *out);

static enum err dump_list(const struct schema_key *key, const char *base, struct buf *out)
{
    const char *items = items_of(key, base);
    size_t n = item_count(key, base);
    TRY(buf_append(out, SPAN_LIT("[")));
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            TRY(buf_append(out, SPAN_LIT(", ")));
        TRY(key->type->write(key, items + i * key->size, out));
    }
    return buf_append(out, SPAN_LIT("]"));
}

static enum err dump_maps(const struct schema_key *key, const char *base, unsigned depth,
                          struct buf *out)
{
    const char *items = items_of(key, base);
    size_t n = item_count(key, base);
    if (n == 0)
        return buf_append(out, SPAN_LIT(" []\n"));
    TRY(buf_append(out, SPAN_LIT("\n")));
    for (size_t i = 0; i < n; i++) {
        TRY(indent(out, depth + 1));
        TRY(buf_append(out, SPAN_LIT("- ")));
        TRY(dump_map(key->sub, items + i * key->size, depth + 2, true, out));
    }
    return ERR_OK;
}

enum err dump_value(const struct schema_key *key, const void *base, struct buf *out)
{
    const char *in = (const char *)base;
    if (schema_is_list(key))
        return dump_list(key, in, out);
    if (key->type->absent && key->type->absent(key, in + key->offset))
        return ERR_OK;
    return key->type->write(key, in + key->offset, out);
}

static enum err dump_key(const struct schema_key *key, const char *base, unsigned depth,
                         struct buf *out)
{
    TRY(buf_printf(out, "%s:", key->name));
    if (key->type) {
        TRY(buf_append(out, SPAN_LIT(" ")));
        TRY(dump_value(key, base, out));
        return buf_append(out, SPAN_LIT("\n"));
    }
    if (schema_is_list(key))
        return dump_maps(key, base, depth, out);
    TRY(buf_append(out, SPAN_LIT("\n")));
    return dump_map(key->sub, base, depth + 1, false, out);
}

/* AFTER_DASH: the first key goes on with the line of its list's dash. */
static enum err dump_map(const struct schema *schema, const char *base, unsigned depth,
                         bool after_dash, struct buf *out)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_key *key = &schema->keys[i];
        if (!has_value(key, base))
            continue;
        if (!after_dash)
            TRY(indent(out, depth));
        after_dash = false;
        TRY(dump_key(key, base, depth, out));
    }
    return ERR_OK;
}

enum err config_dump(const struct config *c, struct buf *out)
{
    return dump_map(&config_schema, (const char *)c, 0, false, out);
}
