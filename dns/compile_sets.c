/* From records to what answering copies. */
#include "dns/compile.h"
#include "dns/lookup.h"

static bool is_first_of_type(const struct dns_record *records, const struct dns_record *r)
{
    for (; records != r; records = records->next) {
        if (records->type == r->type)
            return false;
    }
    return true;
}

static bool build_set(struct dns_compile *k, uint16_t type, struct dns_record *records,
                      struct dns_rrset *out)
{
    enum err e = dns_rrset_build(&k->zone->arena, &k->zone->name, type, records, out);
    if (e == ERR_OK)
        return true;
    dns_compile_fault(k, "dns.records", "the records of type %u at one name: %s", type,
                      e == ERR_FULL ? "too large for a DNS message" : "malformed data");
    return false;
}

static void build_node(struct dns_compile *k, struct dns_node *n)
{
    struct arena *arena = &k->zone->arena;
    uint16_t types = 0;
    for (struct dns_record *r = n->records; r; r = r->next)
        types = (uint16_t)(types + is_first_of_type(n->records, r));
    n->sets = arena_must_alloc(arena, (types > 0 ? types : 1u) * sizeof(*n->sets));
    for (struct dns_record *r = n->records; r; r = r->next) {
        if (!is_first_of_type(n->records, r))
            continue;
        if (!build_set(k, r->type, n->records, &n->sets[n->n_sets]))
            return;
        n->n_sets++;
    }
    n->cname = dns_node_set(n, DNS_TYPE_CNAME);
    /* Text records and the like leave a name where it is: at the edge. */
    n->synth = !n->cname && !dns_node_set(n, DNS_TYPE_A) && !dns_node_set(n, DNS_TYPE_AAAA);
}

static void link_target(struct dns_compile *k, struct dns_node *n)
{
    struct dns_name target;
    if (!n->cname || !dns_record_target(n->records, &target))
        return;
    if (!dns_name_in(&target, &k->zone->name, NULL))
        return;
    struct dns_name *copy = arena_must_alloc(&k->zone->arena, sizeof(*copy));
    *copy = target;
    n->target = copy;
    n->target_at = n->records->name_at;
}

/* A circle would be answered by ever the same records. */
static void check_chain(struct dns_compile *k, const struct dns_node *n)
{
    const struct dns_zone *z = k->zone;
    const struct dns_node *at = n;
    for (unsigned hops = 0; at && at->target; hops++) {
        if (hops == DNS_CNAME_HOPS_MAX - 1) {
            dns_compile_fault(k, "dns.records",
                              "the CNAME at \"" SPAN_FMT "\" begins a circle or a chain too long",
                              SPAN_ARG(dns_label_span(n->label)));
            return;
        }
        unsigned below;
        CHECK(dns_name_in(at->target, &z->name, &below));
        at = dns_lookup(z, at->target, below).node;
    }
}

/* The addresses an answer about N would give, as far as they do not depend on sessions. */
static struct dns_glue addresses_of(const struct dns_zone *z, const struct dns_node *n)
{
    bool synth = !n || n->synth;
    if (synth && z->nxdomain && n != &z->synth)
        return (struct dns_glue){0};
    const struct dns_node *from = synth ? &z->synth : n;
    return (struct dns_glue){.a = dns_node_set(from, DNS_TYPE_A),
                             .aaaa = dns_node_set(from, DNS_TYPE_AAAA)};
}

/* RFC 1035 3.3.9 and 3.3.11: addresses of what NS and MX name. RFC 9460 4.1: those of the HTTPS
 * record's own name, where its target is that ("."). */
static bool glue_of(const struct dns_zone *z, const struct dns_node *n, const struct dns_record *r,
                    struct dns_glue *out)
{
    struct dns_name target;
    unsigned below;
    if (!dns_record_target(r, &target))
        return false;
    if (r->type == DNS_TYPE_HTTPS) {
        if (target.labels > 0)
            return false;
        *out = addresses_of(z, n);
        return out->a || out->aaaa;
    }
    if (!dns_name_in(&target, &z->name, &below))
        return false;
    *out = addresses_of(z, dns_lookup(z, &target, below).node);
    out->name_at = r->name_at;
    return out->a || out->aaaa;
}

static void link_glue(struct dns_compile *k, struct dns_node *n, struct dns_rrset *s)
{
    if (s->type != DNS_TYPE_NS && s->type != DNS_TYPE_MX && s->type != DNS_TYPE_HTTPS)
        return;
    struct dns_glue *glue = arena_must_alloc(&k->zone->arena, s->count * sizeof(*glue));
    for (const struct dns_record *r = n->records; r; r = r->next) {
        if (r->type == s->type && glue_of(k->zone, n, r, &glue[s->n_glue]))
            s->n_glue++;
    }
    s->glue = glue;
}

static void link_node(struct dns_compile *k, struct dns_node *n)
{
    link_target(k, n);
    for (unsigned i = 0; i < n->n_sets; i++)
        link_glue(k, n, &n->sets[i]);
    n->records = NULL;
}

/* RFC 2308 3: the TTL of the SOA beside a negative answer is the lesser of its own and its
 * MINIMUM field, the last four bytes. */
static void build_negative(struct dns_compile *k)
{
    struct dns_record *records = k->zone->tree.apex->records;
    while (records->type != DNS_TYPE_SOA)
        records = records->next;
    struct dns_record soa = *records;
    soa.next = NULL;
    struct wire_reader r = wire_reader_of(soa.rdata + soa.rdata_len - 4, 4);
    uint32_t minimum = wire_get_u32(&r);
    soa.ttl = soa.ttl < minimum ? soa.ttl : minimum;
    build_set(k, DNS_TYPE_SOA, &soa, &k->zone->negative);
}

static void build_any(struct dns_compile *k)
{
    static const uint8_t rdata[] = "\7RFC8482"; /* and an empty string, its terminator */
    struct dns_record hinfo = {.type = DNS_TYPE_HINFO, .ttl = k->zone->ttl};
    hinfo.rdata = rdata;
    hinfo.rdata_len = sizeof(rdata);
    build_set(k, DNS_TYPE_HINFO, &hinfo, &k->zone->any);
}

void dns_compile_sets(struct dns_compile *k)
{
    struct dns_zone *z = k->zone;
    for (struct dns_node *n = z->tree.all; n; n = n->next)
        build_node(k, n);
    build_node(k, &z->synth);
    z->synth.synth = true;
    build_negative(k);
    build_any(k);
    if (k->failed)
        return;
    for (struct dns_node *n = z->tree.all; n; n = n->next)
        link_node(k, n);
    link_node(k, &z->synth);
    for (const struct dns_node *n = z->tree.all; n; n = n->next)
        check_chain(k, n);
}
