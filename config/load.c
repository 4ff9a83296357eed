#include "config/load.h"

#include <stdio.h>

#include "config/duplicates.h"
#include "config/errors.h"
#include "config/interpolate.h"
#include "config/schema.h"
#include "config/secret_file.h"
#include "config/suggest.h"
#include "config/values.h"

#define KEYS_MAX 40 /* of one map in the schema */

/* What the file gives for a key. */
struct entry {
    const struct yaml_node *node; /* NULL: nothing */
    bool is_file;                 /* given as KEY_file */
};

/* A map on its way into BASE. */
struct walk {
    struct load *load;
    const struct schema *schema;
    const struct yaml_node *map; /* NULL: absent, only defaults are wanted */
    const struct key_path *path; /* NULL: the root */
    char *base;
    struct entry entries[KEYS_MAX];
};

static void load_map(struct load *l, const struct schema *schema, const struct yaml_node *map,
                     const struct key_path *path, char *base);

/* --- keys --- */

/* The index in the schema, or -1. "KEY_file" is taken for a secret KEY. */
static ptrdiff_t find_key(const struct schema *schema, struct span name, bool *is_file)
{
    struct span suffix = SPAN_LIT("_file");
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_key *key = &schema->keys[i];
        struct span known = span_str(key->name);
        *is_file = false;
        if (span_eq(known, name))
            return (ptrdiff_t)i;
        *is_file = true;
        if (key->type && key->type->secret && span_starts(name, known) &&
            span_eq(span_from(name, known.len), suffix))
            return (ptrdiff_t)i;
    }
    return -1;
}

/* The full path of a key with that very name elsewhere in the schema: "default_ttl" at the root
 * means "sessions.default_ttl". */
static bool find_elsewhere(const struct schema *schema, struct span name, const char *above,
                           char out[96])
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_key *key = &schema->keys[i];
        char here[96];
        snprintf(here, sizeof here, "%s%s%s", above, above[0] ? "." : "", key->name);
        if (span_eq(span_str(key->name), name)) {
            memcpy(out, here, sizeof here);
            return true;
        }
        if (key->sub && !schema_is_list(key) && find_elsewhere(key->sub, name, here, out))
            return true;
    }
    return false;
}

static bool is_file_of_known(const struct schema *schema, struct span name)
{
    struct span suffix = SPAN_LIT("_file");
    bool is_file;
    return span_ends(name, suffix) &&
           find_key(schema, span_sub(name, 0, name.len - suffix.len), &is_file) >= 0;
}

static void report_unknown(const struct walk *w, const struct yaml_node *child)
{
    struct key_path at = {w->path, child->key, 0};
    struct suggest suggest;
    char near[SUGGEST_TEXT_MAX], elsewhere[96];
    if (errors_full(w->load->errors))
        return;
    if (is_file_of_known(w->schema, child->key)) {
        load_fail(w->load, child->key_line, &at, "unknown key: only secrets are read from files");
        return;
    }

    suggest_init(&suggest, child->key);
    for (size_t i = 0; i < w->schema->n; i++)
        suggest_offer(&suggest, span_str(w->schema->keys[i].name));
    if (suggest.best.len == 0 && find_elsewhere(w->load->schema, child->key, "", elsewhere))
        load_fail(w->load, child->key_line, &at, "unknown key here (did you mean \"%s\"?)",
                  elsewhere);
    else
        load_fail(w->load, child->key_line, &at, "unknown key%s", suggest_text(&suggest, near));
}

static void sort_entries(struct walk *w)
{
    for (const struct yaml_node *c = w->map->first; c; c = c->next) {
        struct key_path at = {w->path, c->key, 0};
        bool is_file = false;
        ptrdiff_t i = find_key(w->schema, c->key, &is_file);
        if (i < 0) {
            report_unknown(w, c);
            continue;
        }
        struct entry *e = &w->entries[i];
        if (e->node && e->is_file != is_file)
            load_fail(w->load, c->key_line, &at, "given both as %s and as %s_file (line %u)",
                      w->schema->keys[i].name, w->schema->keys[i].name, e->node->key_line);
        else if (e->node)
            load_fail(w->load, c->key_line, &at, "duplicate key (first on line %u)",
                      e->node->key_line);
        else
            *e = (struct entry){c, is_file};
    }
}

/* --- scalars --- */

static bool scalar_text(struct load *l, const struct yaml_node *node, const struct key_path *path,
                        struct span *out)
{
    const char *why = NULL;
    if (node->kind != YAML_SCALAR) {
        load_fail(l, node->line, path, "must be a single value, not %s", yaml_kind_text(node));
        return false;
    }
    if (yaml_node_is_null(node)) {
        load_fail(l, node->line, path, "has no value: leave the key out for its default");
        return false;
    }
    if (interpolate(node->text, l->arena, out, &why) != ERR_OK) {
        load_fail(l, node->line, path, "%s", why);
        return false;
    }
    return true;
}

static void load_scalar(struct load *l, const struct schema_key *key, const struct entry *e,
                        const struct key_path *path, void *out)
{
    struct value v = {.load = l, .key = key, .path = path, .line = e->node->line};
    if (!scalar_text(l, e->node, path, &v.text))
        return;
    if (e->is_file && !secret_file_read(&v))
        return;
    key->type->read(&v, out);
}

static void load_fallback(struct load *l, const struct schema_key *key, const struct key_path *path,
                          void *out)
{
    struct value v = {.load = l, .key = key, .path = path, .text = span_str(key->fallback)};
    if (key->fallback)
        key->type->read(&v, out);
}

/* --- lists --- */

static char *new_items(struct load *l, const struct schema_key *key, char *base, size_t n)
{
    if (n == 0)
        return NULL;
    char *items = arena_must_alloc(l->arena, n * key->size);
    memset(items, 0, n * key->size);
    memcpy(base + key->offset, &items, sizeof items);
    memcpy(base + key->count_offset, &n, sizeof n);
    return items;
}

static void load_item(struct load *l, const struct schema_key *key, const struct yaml_node *node,
                      const struct key_path *path, char *out)
{
    if (key->type) {
        load_scalar(l, key, &(struct entry){node, false}, path, out);
        return;
    }
    if (node->kind != YAML_MAP) {
        load_fail(l, node->line, path, "must be a map, not %s", yaml_kind_text(node));
        return;
    }
    load_map(l, key->sub, node, path, out);
}

static void load_list(struct load *l, const struct schema_key *key, const struct yaml_node *node,
                      const struct key_path *path, char *base)
{
    bool lone = node->kind == YAML_SCALAR && (key->flags & SCHEMA_LONE_ITEM);
    if (lone) {
        load_scalar(l, key, &(struct entry){node, false}, path, new_items(l, key, base, 1));
        return;
    }
    if (node->kind != YAML_LIST) {
        load_fail(l, node->line, path, "must be a list, not %s", yaml_kind_text(node));
        return;
    }
    if (node->n < key->min)
        load_fail(l, node->line, path, "must have at least %ju %s", (uintmax_t)key->min,
                  key->min == 1 ? "entry" : "entries");
    if (key->max && node->n > key->max) {
        load_fail(l, node->line, path, "must have at most %ju %s", (uintmax_t)key->max,
                  key->max == 1 ? "entry" : "entries");
        return;
    }

    char *items = new_items(l, key, base, node->n);
    size_t i = 0;
    for (const struct yaml_node *c = node->first; c; c = c->next, i++) {
        struct key_path at = {path, {NULL, 0}, i};
        load_item(l, key, c, &at, items + i * key->size);
    }
    if (key->flags & SCHEMA_UNIQUE)
        duplicates_check_list(l, key, node, path, items);
}

static void load_list_fallback(struct load *l, const struct schema_key *key,
                               const struct key_path *path, char *base)
{
    struct span rest = span_str(key->fallback), word;
    size_t n = 0;
    while (span_split(&rest, ' ', &word))
        n++;

    char *items = new_items(l, key, base, n);
    rest = span_str(key->fallback);
    for (size_t i = 0; span_split(&rest, ' ', &word); i++) {
        struct value v = {.load = l, .key = key, .path = path, .text = word};
        const char *z = arena_strz(l->arena, word);
        CHECK(z != NULL);
        v.text.p = z;
        key->type->read(&v, items + i * key->size);
    }
}

/* --- maps --- */

static void load_absent(struct walk *w, const struct schema_key *key, const struct key_path *path)
{
    if (w->map && (key->flags & SCHEMA_REQUIRED)) {
        load_fail(w->load, w->path ? w->map->line : 0, path, "is required");
        return;
    }
    if (schema_is_list(key))
        load_list_fallback(w->load, key, path, w->base);
    else if (key->sub)
        load_map(w->load, key->sub, NULL, path, w->base);
    else
        load_fallback(w->load, key, path, w->base + key->offset);
}

static void load_given_key(struct walk *w, const struct schema_key *key, const struct entry *e,
                           const struct key_path *path)
{
    const struct yaml_node *node = e->node;
    if (yaml_node_is_null(node)) {
        load_fail(w->load, node->line, path, "has no value: leave the key out for its default%s",
                  schema_is_list(key) ? ", or write []" : "");
        return;
    }
    if (schema_is_list(key))
        load_list(w->load, key, node, path, w->base);
    else if (key->type)
        load_scalar(w->load, key, e, path, w->base + key->offset);
    else if (node->kind != YAML_MAP)
        load_fail(w->load, node->line, path, "must be a map, not %s", yaml_kind_text(node));
    else
        load_map(w->load, key->sub, node, path, w->base);
}

static void load_map(struct load *l, const struct schema *schema, const struct yaml_node *map,
                     const struct key_path *path, char *base)
{
    struct walk w = {.load = l, .schema = schema, .map = map, .path = path, .base = base};
    CHECK(schema->n <= KEYS_MAX);
    if (map)
        sort_entries(&w);

    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_key *key = &schema->keys[i];
        const struct entry *e = &w.entries[i];
        struct key_path at = {path, e->node ? e->node->key : span_str(key->name), 0};
        if (e->node)
            load_given_key(&w, key, e, &at);
        else
            load_absent(&w, key, &at);
    }
}

void load_tree(struct load *l)
{
    if (l->root->kind != YAML_MAP) {
        errors_add(l->errors, l->root->line, "", "must be a map of keys, not %s",
                   yaml_kind_text(l->root));
        return;
    }
    load_map(l, l->schema, l->root, NULL, l->target);
}
