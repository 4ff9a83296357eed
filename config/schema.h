/* Every key of the configuration, declared once.
 *
 * A struct schema lists the keys of one map; a key says its type, where its value goes, its default,
 * its limits and what it is for. Loading, dumping, comparing and documenting all walk these tables:
 * a new key is one more entry in schema*.c and one more member in config.h. Keys are loaded in the
 * order of the table (a later one may rely on an earlier one: nameservers on the zone). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/span.h"

struct value_type; /* values.h */

enum schema_flag {
    SCHEMA_REQUIRED = 1 << 0,     /* wherever the map it is in is given */
    SCHEMA_LIST = 1 << 1,         /* MIN and MAX are about the number of items */
    SCHEMA_LONE_ITEM = 1 << 2,    /* a list that may be given as a single value */
    SCHEMA_UNIQUE = 1 << 3,       /* a list without duplicates */
    SCHEMA_RESTART = 1 << 4,      /* a change needs a restart */
    SCHEMA_DUMP_CHANGED = 1 << 5, /* dumped only where it is not the default */
};

struct schema_choice {
    const char *word;
    uint64_t value;
};

struct schema_key {
    const char *name;
    const char *path;              /* the whole path of a SCHEMA_RESTART key below the root */
    const struct value_type *type; /* NULL: a map, or a list of maps, of the keys in SUB */
    const struct schema *sub;
    unsigned flags;
    size_t offset;       /* of the value (a list: of the pointer to its items) in the struct */
    size_t count_offset; /* of a list's size_t */
    size_t size;         /* of the value, or of one item */
    uint64_t min, max;   /* of a number, a duration, a length, a count; max 0: the type's own */
    const struct schema_choice *choices; /* words that are taken instead; ended by a NULL word */
    const char *fallback;      /* when absent, as if written so; a list's items joined by spaces */
    const char *fallback_note; /* what happens when absent, where no value says it */
    const char *help;
};

struct schema {
    const struct schema_key *keys;
    size_t n;
};

/* The root, which loads into a struct config. */
extern const struct schema config_schema;

static inline bool schema_is_list(const struct schema_key *key)
{
    return key->flags & SCHEMA_LIST;
}
