#include "proxy/watch_marks.h"

/* What came from outside is a span's id, or nothing. */
static struct span span_id_or_none(struct span s)
{
    return tracing_is_span_id(s) ? s : span_of(NULL, 0);
}

static struct span before_properties(struct span value)
{
    ptrdiff_t semicolon = span_chr(value, ';');
    return semicolon < 0 ? value : span_sub(value, 0, (size_t)semicolon);
}

/* The member linkup-hop of the lines with ID, without its properties; empty without. */
static struct span hop_member(const struct fields *f, enum field_id id)
{
    for (size_t i = 0; i < f->n; i++) {
        struct span list = f->v[i].value, member;
        while (f->v[i].id == id && field_list_next(&list, &member)) {
            struct span key, rest = member;
            if (span_split(&rest, '=', &key) && span_eq(span_trim(key), TRACING_HOP))
                return span_id_or_none(span_trim(before_properties(rest)));
        }
    }
    return span_of(NULL, 0);
}

/* A service with spans of its own puts one of them into traceparent, and one without leaves ours there.
 * So the members speak first, which nobody has a reason to change. */
static struct span named_caller(const struct fields *f, struct span parent, struct span id_rest)
{
    struct span hop = hop_member(f, FIELD_BAGGAGE);
    if (hop.len == 0)
        hop = hop_member(f, FIELD_TRACESTATE);
    if (hop.len == 0)
        hop = id_rest;
    return hop.len > 0 ? hop : parent;
}

bool watch_marks_read(struct span trace, const struct fields *f, struct watch_marks *m)
{
    struct span theirs, parent, none = {NULL, 0}, rest = none;
    *m = (struct watch_marks){0};
    if (tracing_parse(f, &theirs, &parent) && span_eq(theirs, trace))
        m->by |= WATCH_TRACEPARENT;
    const struct field *id = fields_find(f, FIELD_X_REQUEST_ID);
    if (id && span_starts(id->value, trace)) {
        m->by |= WATCH_REQUEST_ID;
        rest = span_id_or_none(span_from(id->value, trace.len + 1));
    }
    m->caller = named_caller(f, m->by & WATCH_TRACEPARENT ? parent : none, rest);
    return m->by != 0;
}
