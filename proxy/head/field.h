/* Field lines of a message: names known by number, values as spans. RFC 9110 5.
 *
 * Names are lower case from birth: fronts and backs lower-case while parsing. Lists keep the order of
 * arrival. Storage is the exchange's arena; the ceiling on count is the list's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/span.h"

enum field_id {
    FIELD_OTHER = 0,
#define FIELD(id, name) FIELD_##id,
#include "proxy/head/field.def"
#undef FIELD
    FIELD_ID_COUNT
};

#define FIELDS_MAX 200
/* Lines that fields_set may add beyond: what we add ourselves must not fail for what a peer sent. */
#define FIELDS_OWN_MAX 24

struct field {
    struct span name, value;
    enum field_id id;
};

struct fields {
    struct field *v;
    size_t n, cap;
    size_t bytes;  /* of names and values, and 32 a line (RFC 9113 6.5.2) */
    uint64_t seen; /* a bit for each id that was ever added: what is not there is known at once */
};

/* A set of ids. */
#define FIELD_BIT(id) (UINT64_C(1) << (id))

/* False: no line has an id of SET. True: one had, and may still be there. */
static inline bool fields_may_have(const struct fields *f, uint64_t set)
{
    return (f->seen & set) != 0;
}

/* NAME must be lower case. By length and comparison: no hashing, no allocation. */
enum field_id field_lookup(struct span name);
struct span field_name(enum field_id id);

/* ERR_FULL beyond FIELDS_MAX lines, or without room in the arena. Spans are not copied. */
enum err fields_add(struct fields *f, struct arena *a, enum field_id id, struct span name,
                    struct span value) MUST_USE;
/* By id; the name is the table's. */
enum err fields_add_id(struct fields *f, struct arena *a, enum field_id id,
                       struct span value) MUST_USE;
/* The first line with ID gets VALUE, further ones go; without any, one is added, if need be beyond
 * FIELDS_MAX. For what the edge itself says. */
enum err fields_set(struct fields *f, struct arena *a, enum field_id id,
                    struct span value) MUST_USE;
/* The first line with ID, or NULL. */
struct field *fields_find(const struct fields *f, enum field_id id);
size_t fields_count(const struct fields *f, enum field_id id);
/* Takes out every line with ID, or those for which DROP says so; the order of the others stays. */
void fields_remove(struct fields *f, enum field_id id);
void fields_remove_if(struct fields *f, bool (*drop)(const struct field *, void *), void *ctx);
/* The values of all lines with ID joined by SEP ("; " for cookie, ", " for lists), in ARENA; the empty
 * span (p NULL) without any; a single value is not copied. */
struct span fields_join(const struct fields *f, enum field_id id, struct span sep, struct arena *a);
/* The next element of a comma-separated list, trimmed; empty ones are passed over (RFC 9110 5.6.1.2).
 * Commas inside quoted strings are not understood: for lists of tokens. */
bool field_list_next(struct span *rest, struct span *element);
/* Whether a comma-separated list in the lines with ID holds TOKEN, case ignored (RFC 9110 5.6.1). */
bool fields_list_has(const struct fields *f, enum field_id id, struct span token);

/* RFC 9110 5.6.2, 5.5: token characters; VCHAR, SP, HTAB, obs-text, no edge white space. */
bool field_name_valid(struct span name);
bool field_value_valid(struct span value);

/* Whether a trailer section may carry this field; those that frame, route, modify the request, or
 * describe the content may not, and are to be dropped. RFC 9110 6.5.1. */
bool field_fits_trailer(const struct field *f);
