/* Fields that are meant for the next hop only, and the trace each hop leaves. RFC 9110 7.6. Pure. */
#pragma once

#include "proxy/head/field.h"

/* Connection options beyond those that every hop knows; a message that names more is not honest. */
#define HOP_OPTIONS_MAX 64

/* What connection names, as lower-case copies in the arena. */
struct hop_options {
    struct span v[HOP_OPTIONS_MAX];
    size_t n;
};

/* Reads the connection fields of F. ERR_FULL beyond HOP_OPTIONS_MAX or without room in the arena. */
enum err hop_options_read(struct hop_options *o, const struct fields *f, struct arena *a) MUST_USE;
/* Whether F goes no further: known as hop-by-hop, or named by connection. TE is not among them (RFC 9110
 * 10.1.4 lets "trailers" be said again); upgrade is. */
bool hop_is_last(const struct field *f, const struct hop_options *o);
/* Whether any line of F may be such a one: false is certain. */
bool hop_may_have_last(const struct fields *f, const struct hop_options *o);

/* How often a via field names us. */
size_t via_count(const struct fields *f);
/* Adds NAME ("1.1 linkup") to the end of via (RFC 9110 7.6.3). */
enum err via_add(struct fields *f, struct span name, struct arena *a) MUST_USE;
