/* Taking records into the tree: reading, checking, refusing what contradicts. */
#include <stdarg.h>
#include <stdio.h>

#include "core/mem.h"
#include "dns/compile.h"

/* Types that cannot be configured, and why. */
static const struct refusal {
    uint16_t type;
    const char *why;
} refusals[] = {
    {DNS_TYPE_SOA, "the SOA is made by the edge"},
    {DNS_TYPE_DNAME, "DNAME is not supported"},
    {DNS_TYPE_DS, "delegations are not supported"},
    {DNS_TYPE_RRSIG, "DNSSEC records are made by the edge (dns.dnssec)"},
    {DNS_TYPE_NSEC, "DNSSEC records are made by the edge (dns.dnssec)"},
    {DNS_TYPE_DNSKEY, "DNSSEC records are made by the edge (dns.dnssec)"},
    {DNS_TYPE_NSEC3, "DNSSEC records are made by the edge (dns.dnssec)"},
    {DNS_TYPE_NSEC3PARAM, "DNSSEC records are made by the edge (dns.dnssec)"},
    {DNS_TYPE_CDS, "DNSSEC records are made by the edge (dns.dnssec)"},
    {DNS_TYPE_CDNSKEY, "DNSSEC records are made by the edge (dns.dnssec)"},
};

static const char *refuse_type(const struct dns_record *r, unsigned below)
{
    if (r->type == DNS_TYPE_NS)
        return below == 0 ? "the zone's nameservers are configured as `nameservers`"
                          : "delegations are not supported";
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].type == r->type)
            return refusals[i].why;
    }
    /* RFC 6895 3.1: these exist in queries and in transit only. */
    if (r->type == DNS_TYPE_OPT || (r->type >= 128 && r->type <= 255))
        return "this type cannot be data";
    return NULL;
}

/* Whether R may stand beside OTHER at one name. */
static const char *contradiction(const struct dns_record *r, const struct dns_record *other)
{
    if (r->type != other->type) {
        /* RFC 2181 10.1. */
        if (r->type == DNS_TYPE_CNAME || other->type == DNS_TYPE_CNAME)
            return "a CNAME and other records cannot stand at one name";
        return NULL;
    }
    if (span_eq(span_of(r->rdata, r->rdata_len), span_of(other->rdata, other->rdata_len)))
        return "the same record is there already";
    if (r->type == DNS_TYPE_CNAME)
        return "a name can have one CNAME only";
    /* RFC 2181 5.2. */
    if (r->ttl != other->ttl)
        return "records of one name and type must have the same TTL";
    return NULL;
}

static void attach(struct dns_compile *k, const char *key, const char *line, struct dns_record *r,
                   struct dns_node *node)
{
    struct dns_record **end = &node->records;
    for (; *end; end = &(*end)->next) {
        const char *why = contradiction(r, *end);
        if (why) {
            dns_compile_fault(k, key, "\"%s\": %s", line, why);
            return;
        }
    }
    *end = r;
}

static struct dns_record *read_line(struct dns_compile *k, const char *key, const char *line,
                                    unsigned *below)
{
    struct span why;
    struct dns_record *r = dns_record_read(&k->origin, line, &k->zone->arena, &why);
    if (!r) {
        dns_compile_fault(k, key, "\"%s\": " SPAN_FMT, line, SPAN_ARG(why));
        return NULL;
    }
    if (!dns_name_in(&r->owner, &k->zone->name, below)) {
        dns_compile_fault(k, key, "\"%s\": the name lies outside the zone %s", line,
                          k->config->zone);
        return NULL;
    }
    return r;
}

void dns_compile_line(struct dns_compile *k, const char *key, const char *line)
{
    unsigned below;
    struct dns_record *r = read_line(k, key, line, &below);
    if (r)
        attach(k, key, line, r, dns_tree_insert(&k->zone->tree, &k->zone->arena, &r->owner, below));
}

static void static_line(struct dns_compile *k, const char *key, const char *line)
{
    unsigned below;
    struct dns_record *r = read_line(k, key, line, &below);
    if (!r)
        return;
    const char *why = refuse_type(r, below);
    if (!why && r->type == DNS_TYPE_CNAME && below == 0)
        why = "the zone's own name cannot be a CNAME";
    if (why) {
        dns_compile_fault(k, key, "\"%s\": %s", line, why);
        return;
    }
    attach(k, key, line, r, dns_tree_insert(&k->zone->tree, &k->zone->arena, &r->owner, below));
}

void dns_compile_static(struct dns_compile *k)
{
    const struct config_strings *records = &k->config->dns.records;
    for (size_t i = 0; i < records->n; i++) {
        char key[40];
        snprintf(key, sizeof(key), "dns.records[%zu]", i);
        k->line = k->config->dns.record_lines ? k->config->dns.record_lines[i] : 0;
        static_line(k, key, records->v[i]);
    }
    k->line = 0;
}
