#include "proxy/head/hop_by_hop.h"

/* Who we are in via: a pseudonym, the same for every edge, so that a loop through several is one. */
#define VIA_PSEUDONYM SPAN_LIT("linkup")

#define HOP_BY_HOP                                                                                 \
    (FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_KEEP_ALIVE) |                                   \
     FIELD_BIT(FIELD_PROXY_CONNECTION) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |                      \
     FIELD_BIT(FIELD_UPGRADE) | FIELD_BIT(FIELD_HTTP2_SETTINGS))
/* Between a client and its proxy (RFC 9110 11.7), which we are not; credentials stay here. */
#define OF_PROXIES                                                                                 \
    (FIELD_BIT(FIELD_PROXY_AUTHORIZATION) | FIELD_BIT(FIELD_PROXY_AUTHENTICATE) |                  \
     FIELD_BIT(FIELD_PROXY_AUTHENTICATION_INFO))

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
    const struct field *line = fields_find(f, FIELD_CONNECTION);
    for (; line && line < f->v + f->n; line++)
        if (line->id == FIELD_CONNECTION)
            TRY(read_options(o, line->value, a));
    return ERR_OK;
}

bool hop_is_last(const struct field *f, const struct hop_options *o)
{
    if (FIELD_BIT(f->id) & (HOP_BY_HOP | OF_PROXIES))
        return true;
    for (size_t i = 0; i < o->n; i++)
        if (span_eq(f->name, o->v[i]))
            return true;
    return false;
}

bool hop_may_have_last(const struct fields *f, const struct hop_options *o)
{
    return o->n > 0 || fields_may_have(f, HOP_BY_HOP | OF_PROXIES);
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
    const struct field *line = fields_find(f, FIELD_VIA);
    for (; line && line < f->v + f->n; line++) {
        if (line->id != FIELD_VIA)
            continue;
        struct span list = line->value, entry;
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
