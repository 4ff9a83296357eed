#include "sessions/table.h"

#include "core/mem.h"

static struct span entry_key(const struct table_node *n)
{
    return CONTAINER_OF(n, const struct session_entry, node)->image->name;
}

static struct session_entry *entry_of(struct table_node *n)
{
    return n ? CONTAINER_OF(n, struct session_entry, node) : NULL;
}

static void entry_free(struct session_entry *e)
{
    session_image_unref(e->image);
    mem_free(e);
}

/* E has left the table: whoever pinned it goes on with it, and the last one frees it. */
static void entry_retire(struct session_entry *e)
{
    e->gone = true;
    if (e->pins == 0)
        entry_free(e);
}

void route_table_init(struct route_table *t, struct edge_image *edge)
{
    t->edge = edge_image_ref(edge);
    table_init(&t->sessions, entry_key);
    t->scratch = regex_scratch_new();
}

void route_table_deinit(struct route_table *t)
{
    struct table_iter it;
    for (struct table_node *n = table_first(&t->sessions, &it); n; n = table_next(&it)) {
        table_remove(&t->sessions, n);
        entry_retire(entry_of(n));
    }
    table_deinit(&t->sessions);
    regex_scratch_free(t->scratch);
    edge_image_unref(t->edge);
    t->edge = NULL;
    t->scratch = NULL;
}

void route_table_set_edge(struct route_table *t, struct edge_image *edge)
{
    struct edge_image *old = t->edge;
    t->edge = edge_image_ref(edge);
    edge_image_unref(old);
}

struct session_entry *route_table_find(const struct route_table *t, struct span name)
{
    return entry_of(table_find(&t->sessions, name));
}

void route_table_put(struct route_table *t, struct session_image *image)
{
    struct session_entry *old = route_table_find(t, image->name);
    struct session_entry *e = NEW(struct session_entry);
    e->image = session_image_ref(image);
    if (old) {
        e->used_ms = old->used_ms; /* a change is no reason to report a use again */
        table_remove(&t->sessions, &old->node);
        entry_retire(old);
    }
    CHECK(table_insert(&t->sessions, &e->node) == ERR_OK);
}

void route_table_remove(struct route_table *t, struct span name)
{
    struct session_entry *e = route_table_find(t, name);
    if (!e)
        return;
    table_remove(&t->sessions, &e->node);
    entry_retire(e);
}

size_t route_table_count(const struct route_table *t)
{
    return table_count(&t->sessions);
}

void session_entry_pin(struct session_entry *e)
{
    e->pins++;
}

void session_entry_unpin(struct session_entry *e)
{
    CHECK(e->pins > 0);
    if (--e->pins == 0 && e->gone)
        entry_free(e);
}
