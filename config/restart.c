/* Which changes a running edge cannot take up. */
#include "config/dump.h"
#include "config/values.h"

/* Enough for 64 listeners; what does not fit counts as changed. */
#define VALUE_TEXT_MAX ((size_t)64 << 10)

static bool same_value(const struct schema_key *key, const struct config *a, const struct config *b)
{
    struct buf x, y;
    buf_init(&x, VALUE_TEXT_MAX);
    buf_init(&y, VALUE_TEXT_MAX);
    bool same = dump_value(key, a, &x) == ERR_OK && dump_value(key, b, &y) == ERR_OK &&
                span_eq(buf_span(&x), buf_span(&y));
    buf_deinit(&x);
    buf_deinit(&y);
    return same;
}

/* Flagged keys stand at the root or in maps below it, never in lists. */
static const struct schema_key *find_changed(const struct schema *schema, const struct config *a,
                                             const struct config *b)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_key *key = &schema->keys[i];
        const struct schema_key *found = NULL;
        if (key->sub && !schema_is_list(key))
            found = find_changed(key->sub, a, b);
        else if ((key->flags & SCHEMA_RESTART) && !same_value(key, a, b))
            found = key;
        if (found)
            return found;
    }
    return NULL;
}

const char *config_needs_restart(const struct config *running, const struct config *wanted)
{
    const struct schema_key *key = find_changed(&config_schema, running, wanted);
    return key ? (key->path ? key->path : key->name) : NULL;
}
