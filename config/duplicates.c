#include "config/duplicates.h"

#include <stdlib.h>

#include "config/values.h"

void name_index_init(struct name_index *x, struct arena *arena, size_t n)
{
    *x = (struct name_index){NULL, 0};
    if (n > 0)
        x->v = arena_must_alloc(arena, n * sizeof *x->v);
}

void name_index_add(struct name_index *x, const char *name, size_t index)
{
    if (name)
        x->v[x->n++] = (struct named){span_str(name), index};
}

static int compare(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = span_cmp(x->name, y->name);
    if (order != 0)
        return order;
    return x->index < y->index ? -1 : x->index > y->index;
}

void name_index_sort(struct name_index *x)
{
    if (x->n > 0)
        qsort(x->v, x->n, sizeof *x->v, compare);
}

const struct named *name_index_find(const struct name_index *x, struct span name)
{
    size_t low = 0, high = x->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (span_cmp(x->v[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < x->n && span_eq(x->v[low].name, name) ? &x->v[low] : NULL;
}

void name_index_duplicates(const struct name_index *x,
                           void (*on)(void *arg, const struct named *first,
                                      const struct named *again),
                           void *arg)
{
    size_t first = 0;
    for (size_t i = 1; i < x->n; i++) {
        if (span_eq(x->v[first].name, x->v[i].name))
            on(arg, &x->v[first], &x->v[i]);
        else
            first = i;
    }
}

struct list_check {
    struct load *load;
    const struct key_path *path;
    const struct yaml_node *list;
};

static void on_duplicate_item(void *arg, const struct named *first, const struct named *again)
{
    const struct list_check *c = arg;
    const struct yaml_node *node = c->list->first;
    struct key_path at = {c->path, {NULL, 0}, again->index};
    for (size_t i = 0; i < again->index; i++)
        node = node->next;
    load_fail(c->load, node->line, &at, SPAN_FMT " is there already, as entry [%zu]",
              SPAN_ARG(first->name), first->index);
}

/* Values are compared as they would be written, so that "::1" and "0:0::1" are the same. */
static bool is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static const char *item_text(const struct schema_key *key, const void *item, struct arena *arena)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    const char *z = NULL;
    if (key->type->write(key, item, &text) == ERR_OK)
        z = arena_strz(arena, buf_span(&text));
    buf_deinit(&text);
    return z;
}

void duplicates_check_list(struct load *l, const struct schema_key *key,
                           const struct yaml_node *list, const struct key_path *path,
                           const char *items)
{
    struct name_index names;
    struct list_check check = {l, path, list};
    name_index_init(&names, l->scratch, list->n);
    for (size_t i = 0; i < list->n; i++) {
        const char *item = items + i * key->size;
        if (!is_zero(item, key->size)) /* it could not be read */
            name_index_add(&names, item_text(key, item, l->scratch), i);
    }
    name_index_sort(&names);
    name_index_duplicates(&names, on_duplicate_item, &check);
}
