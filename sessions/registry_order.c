#include "sessions/registry_order.h"

#include "core/mem.h"
#include "core/random.h"

void order_init(struct order *o)
{
    *o = (struct order){0};
}

void order_deinit(struct order *o)
{
    struct order_node *n = o->first[0];
    while (n) {
        struct order_node *next = n->next[0];
        mem_free(n);
        n = next;
    }
    order_init(o);
}

/* For each level the link that leads past NAME: where a node of that name is, or would be. */
static void find_links(struct order *o, struct span name, struct order_node **links[ORDER_LEVELS])
{
    struct order_node **level_links = o->first;
    for (size_t level = ORDER_LEVELS; level-- > 0;) {
        while (level_links[level] && span_cmp(level_links[level]->name, name) < 0)
            level_links = level_links[level]->next;
        links[level] = &level_links[level];
    }
}

static unsigned random_levels(void)
{
    uint32_t bits;
    random_bytes(&bits, sizeof bits);
    unsigned levels = 1;
    for (; levels < ORDER_LEVELS && (bits & 3) == 0; bits >>= 2)
        levels++;
    return levels;
}

struct order_node *order_add(struct order *o, struct span name)
{
    struct order_node **links[ORDER_LEVELS];
    find_links(o, name, links);
    CHECK(!*links[0] || !span_eq((*links[0])->name, name));

    unsigned levels = random_levels();
    struct order_node *n = (struct order_node *)mem_zalloc(sizeof *n + levels * sizeof n->next[0]);
    n->name = name;
    n->levels = levels;
    for (unsigned level = 0; level < levels; level++) {
        n->next[level] = *links[level];
        *links[level] = n;
    }
    return n;
}

void order_remove(struct order *o, struct order_node *n)
{
    struct order_node **links[ORDER_LEVELS];
    find_links(o, n->name, links);
    for (unsigned level = 0; level < n->levels; level++) {
        CHECK(*links[level] == n);
        *links[level] = n->next[level];
    }
    mem_free(n);
}

struct order_node *order_after(const struct order *o, struct span name)
{
    struct order_node *const *level_links = o->first;
    for (size_t level = ORDER_LEVELS; level-- > 0;) {
        while (level_links[level] && span_cmp(level_links[level]->name, name) <= 0)
            level_links = level_links[level]->next;
    }
    return level_links[0];
}
