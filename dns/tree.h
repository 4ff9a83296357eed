/* The names of a zone that are not made up: a tree, held as one hash table of (parent, label).
 *
 * Built once with the zone, then only read. What is in it comes from the configuration, so a plain
 * fast hash does: those who ask cannot put anything in. */
#pragma once

#include "core/arena.h"
#include "dns/rrset.h"

struct dns_node {
    const struct dns_node *parent; /* NULL: the apex */
    const uint8_t *label;          /* its length first; NULL at the apex */
    uint32_t hash;
    const struct dns_node *wildcard; /* the child "*" */
    struct dns_node *next;           /* all nodes of a tree */

    /* No sets: an empty non-terminal (RFC 4592 2.2.2), or a name known only to exist. */
    struct dns_rrset *sets;
    uint16_t n_sets;
    bool synth;  /* has no address of its own: the edge's are given where the name lives */
    bool lives;  /* is there whatever sessions there are */
    bool domain; /* a configured domain: session labels stand below it */

    const struct dns_rrset *cname;
    const struct dns_name *target; /* of the CNAME, when inside the zone */
    uint16_t target_at;            /* where the target's name is in the CNAME's wire */

    struct dns_record *records; /* while compiling */
};

struct dns_tree {
    struct dns_node **slots;
    uint32_t mask; /* slots - 1 */
    uint32_t n;    /* nodes in slots: the apex is not */
    struct dns_node *apex;
    struct dns_node *all;
};

/* Nodes lie in ARENA, the table on the heap. */
void dns_tree_init(struct dns_tree *t, struct arena *arena);
void dns_tree_deinit(struct dns_tree *t);
/* The node of NAME, BELOW labels below the apex, made with those above it when it is not there. */
struct dns_node *dns_tree_insert(struct dns_tree *t, struct arena *arena,
                                 const struct dns_name *name, unsigned below);
/* The child of NODE called LABEL (its length first, lower case), or NULL. */
const struct dns_node *dns_tree_child(const struct dns_tree *t, const struct dns_node *node,
                                      const uint8_t *label);

static inline const struct dns_rrset *dns_node_set(const struct dns_node *n, uint16_t type)
{
    for (unsigned i = 0; i < n->n_sets; i++) {
        if (n->sets[i].type == type)
            return &n->sets[i];
    }
    return NULL;
}
