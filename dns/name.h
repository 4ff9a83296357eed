/* Domain names in wire form: length-prefixed labels, lower-cased, the root's empty label last.
 *
 * A struct dns_name is a value with the place of each label noted, so that a lookup can walk from
 * the right. Lower case is what RFC 4343 compares; the bytes a client sent stay in its question. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/span.h"
#include "core/wire.h"

#define DNS_NAME_MAX 255
#define DNS_LABEL_MAX 63
#define DNS_LABELS_MAX 127

struct dns_name {
    uint8_t len;                    /* bytes of wire, the root's included: 1..255 */
    uint8_t labels;                 /* how many, the root's not counted */
    uint8_t at[DNS_LABELS_MAX + 1]; /* where each begins, leftmost first; at[labels] is the root */
    uint8_t wire[DNS_NAME_MAX + 1]; /* room for whole words of lower-casing */
};

/* Reads a name that is not compressed. False, and the reader failed: cut short, a pointer or an
 * unknown label type, or longer than 255 bytes (RFC 1035 2.3.4). */
bool dns_name_read(struct wire_reader *r, struct dns_name *out);
/* Steps over a name that may end in a pointer (it is not followed); fails the reader as above. */
void dns_name_skip(struct wire_reader *r);
/* TEXT is labels joined by dots, the final dot optional, no escapes. */
bool dns_name_from_text(struct span text, struct dns_name *out);

/* Whether N is ZONE or below it. *BELOW (may be NULL) gets how many labels N has more. */
bool dns_name_in(const struct dns_name *n, const struct dns_name *zone, unsigned *below);
bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);

/* Label I, its length first. */
static inline const uint8_t *dns_name_label(const struct dns_name *n, unsigned i)
{
    return n->wire + n->at[i];
}
/* A label's text. */
static inline struct span dns_label_span(const uint8_t *label)
{
    return span_of(label + 1, label[0]);
}
