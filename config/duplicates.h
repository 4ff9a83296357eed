/* Names that must be unique, sorted so that thousands of them are quickly compared and found. */
#pragma once

#include "config/load.h"
#include "config/schema.h"

struct named {
    struct span name;
    size_t index; /* of its owner */
};

struct name_index {
    struct named *v;
    size_t n;
};

/* Room for N names in ARENA. */
void name_index_init(struct name_index *x, struct arena *arena, size_t n);
/* NULL is left out. */
void name_index_add(struct name_index *x, const char *name, size_t index);
void name_index_sort(struct name_index *x);
/* After sorting; NULL when there is none. */
const struct named *name_index_find(const struct name_index *x, struct span name);
/* After sorting: calls ON for every name that an earlier index has too. */
void name_index_duplicates(const struct name_index *x,
                           void (*on)(void *arg, const struct named *first,
                                      const struct named *again),
                           void *arg);

/* Adds an error for every item of a list of KEY's type that stands in it twice. */
void duplicates_check_list(struct load *l, const struct schema_key *key,
                           const struct yaml_node *list, const struct key_path *path,
                           const char *items);
