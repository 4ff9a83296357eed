#include "sessions/registry_expiry.h"

#include "core/err.h"
#include "core/mem.h"

void expiry_init(struct expiry *x)
{
    *x = (struct expiry){0};
}

void expiry_deinit(struct expiry *x)
{
    mem_free(x->v);
    expiry_init(x);
}

void expiry_item_init(struct expiry_item *item)
{
    *item = (struct expiry_item){.place = EXPIRY_NONE};
}

static void put_at(struct expiry *x, size_t place, struct expiry_item *item)
{
    x->v[place] = item;
    item->place = place;
}

static void sift_up(struct expiry *x, struct expiry_item *item, size_t place)
{
    while (place > 0) {
        size_t parent = (place - 1) / 2;
        if (x->v[parent]->due_ms <= item->due_ms)
            break;
        put_at(x, place, x->v[parent]);
        place = parent;
    }
    put_at(x, place, item);
}

static void sift_down(struct expiry *x, struct expiry_item *item, size_t place)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= x->n)
            break;
        if (child + 1 < x->n && x->v[child + 1]->due_ms < x->v[child]->due_ms)
            child++;
        if (item->due_ms <= x->v[child]->due_ms)
            break;
        put_at(x, place, x->v[child]);
        place = child;
    }
    put_at(x, place, item);
}

static void settle(struct expiry *x, struct expiry_item *item, size_t place)
{
    sift_up(x, item, place);
    sift_down(x, item, item->place);
}

void expiry_set(struct expiry *x, struct expiry_item *item, int64_t due_ms)
{
    item->due_ms = due_ms;
    if (item->place == EXPIRY_NONE) {
        if (x->n == x->cap) {
            x->cap = x->cap ? 2 * x->cap : 64;
            x->v = (struct expiry_item **)mem_realloc(x->v, x->cap * sizeof *x->v);
        }
        item->place = x->n++;
    }
    settle(x, item, item->place);
}

void expiry_remove(struct expiry *x, struct expiry_item *item)
{
    if (item->place == EXPIRY_NONE)
        return;
    CHECK(x->v[item->place] == item);
    struct expiry_item *last = x->v[--x->n];
    if (last != item)
        settle(x, last, item->place);
    item->place = EXPIRY_NONE;
}

struct expiry_item *expiry_first(const struct expiry *x)
{
    return x->n ? x->v[0] : NULL;
}
