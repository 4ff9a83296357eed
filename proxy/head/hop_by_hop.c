#include "proxy/head/hop_by_hop.h"

/* Who we are in via: a pseudonym, the same for every edge, so that a loop through several is one. */
#define VIA_PSEUDONYM SPAN_LIT("linkup")

static bool is_hop_by_hop(enum field_id id)
{
    switch (id) {
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
    case FIELD_HTTP2_SETTINGS:
    /* Between a client and its proxy (RFC 9110 11.7), which we are not; credentials stay here. */
    case FIELD_PROXY_AUTHORIZATION:
    case FIELD_PROXY_AUTHENTICATE:
    case FIELD_PROXY_AUTHENTICATION_INFO:
        return true;
    default:
        return false;
    }
}

/* Options that say nothing about another field, or about one that is dealt with by its own name. */
static bool is_plain_option(struct span o)
{
    return span_eq_nocase(o, SPAN_LIT("close")) || span_eq_nocase(o, SPAN_LIT("keep-alive")) ||
           span_eq_nocase(o, SPAN_LIT("upgrade")) || span_eq_nocase(o, SPAN_LIT("te"));
}

static enum err read_options(struct hop_options *o, struct span list, struct arena *a)
{
    struct span option;
    while (field_list_next(&list, &option)) {
        if (is_plain_option(option))
            continue;
        if (o->n == HOP_OPTIONS_MAX)
            return ERR_FULL;
        o->v[o->n] = arena_copy_lower(a, option);
        if (!o->v[o->n++].p)
            return ERR_FULL;
    }
    return ERR_OK;
}

enum err hop_options_read(struct hop_options *o, const struct fields *f, struct arena *a)
{
    o->n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].id == FIELD_CONNECTION)
            TRY(read_options(o, f->v[i].value, a));
    return ERR_OK;
}

bool hop_is_last(const struct field *f, const struct hop_options *o)
{
    if (is_hop_by_hop(f->id))
        return true;
    for (size_t i = 0; i < o->n; i++)
        if (span_eq(f->name, o->v[i]))
            return true;
    return false;
}

/* received-protocol RWS received-by [ RWS comment ] */
static bool names_us(struct span entry)
{
    size_t at = 0;
    while (at < entry.len && entry.p[at] != ' ' && entry.p[at] != '\t')
        at++;
    struct span by = span_trim(span_from(entry, at));
    size_t len = 0;
    while (len < by.len && by.p[len] != ' ' && by.p[len] != '\t' && by.p[len] != '(')
        len++;
    return span_eq_nocase(span_sub(by, 0, len), VIA_PSEUDONYM);
}

size_t via_count(const struct fields *f)
{
    size_t count = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (f->v[i].id != FIELD_VIA)
            continue;
        struct span list = f->v[i].value, entry;
        while (field_list_next(&list, &entry))
            count += names_us(entry);
    }
    return count;
}

enum err via_add(struct fields *f, struct span name, struct arena *a)
{
    if (!fields_find(f, FIELD_VIA))
        return fields_set(f, a, FIELD_VIA, name);
    struct span before = fields_join(f, FIELD_VIA, SPAN_LIT(", "), a);
    struct span parts[3] = {before, SPAN_LIT(", "), name};
    struct span all = before.p ? arena_join(a, parts, 3) : before;
    return all.p ? fields_set(f, a, FIELD_VIA, all) : ERR_FULL;
}
