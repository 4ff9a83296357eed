#include "dns/tree.h"

#include "core/mem.h"

#define SLOTS_MIN 64

static uint64_t mix(uint64_t h)
{
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

/* Eight bytes of the label a step. */
static uint32_t hash_child(const struct dns_node *parent, const uint8_t *label)
{
    const uint8_t *p = label;
    size_t left = 1u + label[0];
    uint64_t h = parent->hash, w;
    for (; left >= sizeof(w); left -= sizeof(w), p += sizeof(w)) {
        memcpy(&w, p, sizeof(w));
        h = mix(h ^ w);
    }
    for (w = 0; left > 0; left--)
        w = w << 8 | *p++;
    h = mix(h ^ w);
    return (uint32_t)(h >> 32);
}

static bool is_child(const struct dns_node *n, const struct dns_node *parent, const uint8_t *label)
{
    return n->parent == parent && memcmp(n->label, label, 1u + label[0]) == 0;
}

void dns_tree_init(struct dns_tree *t, struct arena *arena)
{
    *t = (struct dns_tree){.mask = SLOTS_MIN - 1};
    t->slots = mem_zalloc(SLOTS_MIN * sizeof(*t->slots));
    t->apex = arena_must_alloc(arena, sizeof(*t->apex));
    *t->apex = (struct dns_node){.lives = true};
    t->all = t->apex;
}

void dns_tree_deinit(struct dns_tree *t)
{
    mem_free(t->slots);
    t->slots = NULL;
}

static void place(struct dns_tree *t, struct dns_node *n)
{
    uint32_t i = n->hash & t->mask;
    while (t->slots[i])
        i = (i + 1) & t->mask;
    t->slots[i] = n;
}

/* At most half the slots are taken: an unsuccessful search ends soon. */
static void grow_if_full(struct dns_tree *t)
{
    if (2 * (t->n + 1) <= t->mask + 1)
        return;
    uint32_t slots = 2 * (t->mask + 1);
    mem_free(t->slots);
    t->slots = mem_zalloc(slots * sizeof(*t->slots));
    t->mask = slots - 1;
    for (struct dns_node *n = t->all; n; n = n->next) {
        if (n->parent)
            place(t, n);
    }
}

const struct dns_node *dns_tree_child(const struct dns_tree *t, const struct dns_node *node,
                                      const uint8_t *label)
{
    uint32_t hash = hash_child(node, label);
    for (uint32_t i = hash & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
        if (t->slots[i]->hash == hash && is_child(t->slots[i], node, label))
            return t->slots[i];
    }
    return NULL;
}

static struct dns_node *add_child(struct dns_tree *t, struct arena *arena, struct dns_node *parent,
                                  const uint8_t *label)
{
    struct dns_node *n = arena_must_alloc(arena, sizeof(*n));
    struct span copy = arena_copy(arena, span_of(label, 1u + label[0]));
    CHECK(copy.p);
    *n = (struct dns_node){.parent = parent, .label = (const uint8_t *)copy.p, .synth = true};
    n->hash = hash_child(parent, label);
    grow_if_full(t);
    n->next = t->all;
    t->all = n;
    t->n++;
    place(t, n);
    /* RFC 4592 2.1.1: only the one-byte label "*" is special. */
    if (label[0] == 1 && label[1] == '*')
        parent->wildcard = n;
    return n;
}

struct dns_node *dns_tree_insert(struct dns_tree *t, struct arena *arena,
                                 const struct dns_name *name, unsigned below)
{
    struct dns_node *node = t->apex;
    for (unsigned i = below; i > 0; i--) {
        const uint8_t *label = dns_name_label(name, i - 1);
        struct dns_node *child = (struct dns_node *)dns_tree_child(t, node, label);
        node = child ? child : add_child(t, arena, node, label);
    }
    return node;
}
