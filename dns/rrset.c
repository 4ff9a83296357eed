#include "dns/rrset.h"

#include "core/mem.h"

/* Where the names are that RFC 1035 3.3 lets be compressed (RFC 3597 4: no others): bytes before
 * the first, and how many. What follows them is copied. */
static const struct layout {
    uint16_t type;
    uint8_t before, names;
} layouts[] = {
    {DNS_TYPE_NS, 0, 1},  {DNS_TYPE_CNAME, 0, 1}, {DNS_TYPE_SOA, 0, 2},
    {DNS_TYPE_PTR, 0, 1}, {DNS_TYPE_MX, 2, 1},
};

/* The most records and pointers a set of DNS_RRSET_WIRE_MAX bytes can have. */
#define RECORD_LEN_MIN 12
#define RECORDS_MAX (DNS_RRSET_WIRE_MAX / RECORD_LEN_MIN)

struct builder {
    const struct dns_name *zone;
    struct wire_writer w;
    size_t n_zone_at, n_owner_at;
    uint16_t zone_at[2 * RECORDS_MAX];
    uint16_t owner_at[RECORDS_MAX];
    uint8_t wire[DNS_RRSET_WIRE_MAX];
};

static struct layout layout_of(uint16_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
        if (layouts[i].type == type)
            return layouts[i];
    }
    return (struct layout){.type = type};
}

static void put_name(struct builder *b, const struct dns_name *n)
{
    unsigned below;
    if (!dns_name_in(n, b->zone, &below)) {
        wire_put_bytes(&b->w, n->wire, n->len);
        return;
    }
    wire_put_bytes(&b->w, n->wire, n->at[below]);
    if (b->w.failed)
        return;
    b->zone_at[b->n_zone_at++] = (uint16_t)b->w.pos;
    wire_put_u16(&b->w, dns_pointer(0));
}

static enum err put_rdata(struct builder *b, struct dns_record *r)
{
    struct layout layout = layout_of(r->type);
    struct wire_reader in = wire_reader_of(r->rdata, r->rdata_len);
    struct dns_name name;

    const uint8_t *before = wire_get_bytes(&in, layout.before);
    if (!before)
        return ERR_SYNTAX;
    wire_put_bytes(&b->w, before, layout.before);
    r->name_at = (uint16_t)b->w.pos;
    for (unsigned i = 0; i < layout.names; i++) {
        if (!dns_name_read(&in, &name))
            return ERR_SYNTAX;
        put_name(b, &name);
    }
    wire_put_bytes(&b->w, r->rdata + in.pos, wire_left(&in));
    return ERR_OK;
}

static enum err put_record(struct builder *b, struct dns_record *r)
{
    if (b->n_owner_at == RECORDS_MAX)
        return ERR_FULL;
    b->owner_at[b->n_owner_at++] = (uint16_t)b->w.pos;
    wire_put_u16(&b->w, dns_pointer(DNS_HEADER_LEN));
    wire_put_u16(&b->w, r->type);
    wire_put_u16(&b->w, DNS_CLASS_IN);
    wire_put_u32(&b->w, r->ttl);
    uint8_t *len = wire_room(&b->w, 2);
    size_t start = b->w.pos;
    TRY(put_rdata(b, r));
    if (b->w.failed)
        return ERR_FULL;
    dns_store16(len, (uint16_t)(b->w.pos - start));
    return ERR_OK;
}

static void *keep(struct arena *arena, const void *src, size_t size)
{
    void *copy = arena_must_alloc(arena, size > 0 ? size : 1);
    if (size > 0)
        memcpy(copy, src, size);
    return copy;
}

static enum err build(struct builder *b, struct arena *arena, uint16_t type,
                      struct dns_record *records, struct dns_rrset *out)
{
    for (struct dns_record *r = records; r; r = r->next) {
        if (r->type == type)
            TRY(put_record(b, r));
    }
    CHECK(b->n_owner_at > 0);
    *out = (struct dns_rrset){.type = type,
                              .count = (uint16_t)b->n_owner_at,
                              .len = (uint16_t)b->w.pos,
                              .n_zone_at = (uint16_t)b->n_zone_at};
    out->wire = keep(arena, b->wire, b->w.pos);
    out->zone_at = keep(arena, b->zone_at, b->n_zone_at * sizeof(b->zone_at[0]));
    out->owner_at = keep(arena, b->owner_at, b->n_owner_at * sizeof(b->owner_at[0]));
    return ERR_OK;
}

enum err dns_rrset_build(struct arena *arena, const struct dns_name *zone, uint16_t type,
                         struct dns_record *records, struct dns_rrset *out)
{
    struct builder *b = NEW(struct builder);
    b->zone = zone;
    b->w = wire_writer_of(b->wire, sizeof(b->wire));
    enum err e = build(b, arena, type, records, out);
    mem_free(b);
    return e;
}

bool dns_record_target(const struct dns_record *r, struct dns_name *out)
{
    struct wire_reader in = wire_reader_of(r->rdata, r->rdata_len);
    /* A preference, a priority. */
    wire_get_bytes(&in, r->type == DNS_TYPE_MX || r->type == DNS_TYPE_HTTPS ? 2 : 0);
    return dns_name_read(&in, out);
}

bool dns_rrset_put(const struct dns_rrset *s, struct wire_writer *w, size_t owner, size_t zone)
{
    uint8_t *p = wire_room(w, s->len);
    if (!p)
        return false;
    memcpy(p, s->wire, s->len);
    for (unsigned i = 0; i < s->n_zone_at; i++)
        dns_store16(p + s->zone_at[i], dns_pointer(zone));
    /* The bytes have it right for the usual owner, the question. */
    if (owner == DNS_HEADER_LEN)
        return true;
    for (unsigned i = 0; i < s->count; i++)
        dns_store16(p + s->owner_at[i], dns_pointer(owner));
    return true;
}

void dns_rrset_set_ttl(const struct dns_rrset *s, uint8_t *wire, uint32_t ttl)
{
    for (unsigned i = 0; i < s->count; i++) {
        uint8_t *at = wire + s->owner_at[i] + 6; /* after owner, type and class */
        dns_store16(at, (uint16_t)(ttl >> 16));
        dns_store16(at + 2, (uint16_t)ttl);
    }
}
