/* What the edge itself puts into its zone. */
#include <stdio.h>

#include "dns/compile.h"

/* RFC 1912 2.2, for secondaries. */
#define SOA_REFRESH 3600
#define SOA_RETRY 600
#define SOA_EXPIRE 1209600
/* "It is not there" is forgotten soon: an ACME challenge or a session may come any time. */
#define NEGATIVE_TTL_MAX 60
#define NEGATIVE_TTL_MAX_SESSIONS 5

/* 1 . alpn="h2,http/1.1" (RFC 9460 2.1, 7.1), as RFC 3597 writes what a parser may not know. */
#define HTTPS_ALPN "0001 00 0001 000c 026832 08687474702f312e31"

static const char *text_of(struct span s)
{
    CHECK(s.p);
    return s.p;
}
/* Terminated text that lives as long as the zone. */
#define FORMAT(k, ...) text_of(arena_printf(&(k)->zone->arena, __VA_ARGS__))

/* With port=n (RFC 9460 7.2) where https is served elsewhere than at its own port. */
static void add_https(struct dns_compile *k)
{
    unsigned port = k->config->public_https_port;
    if (port == 443 || port == 0)
        dns_compile_line(k, "dns", "@ TYPE65 \\# 19 " HTTPS_ALPN);
    else
        dns_compile_line(k, "public_port",
                         FORMAT(k, "@ TYPE65 \\# 25 " HTTPS_ALPN " 0003 0002 %04x", port));
}

static bool has_type(const struct dns_node *n, uint16_t type)
{
    for (const struct dns_record *r = n->records; r; r = r->next) {
        if (r->type == type)
            return true;
    }
    return false;
}

/* Static addresses win: then the edge's are not added beside them. */
static void add_addresses(struct dns_compile *k, const char *owner, const struct dns_node *node)
{
    if (has_type(node, DNS_TYPE_A) || has_type(node, DNS_TYPE_AAAA))
        return;
    const struct config_addrs *addresses = &k->config->addresses;
    for (size_t i = 0; i < addresses->n; i++) {
        char text[ADDR_TEXT_MAX], key[40];
        size_t len;
        addr_ip_bytes(&addresses->v[i], &len);
        addr_ip_text(&addresses->v[i], text);
        snprintf(key, sizeof(key), "addresses[%zu]", i);
        dns_compile_line(k, key, FORMAT(k, "%s %s %s", owner, len == 4 ? "A" : "AAAA", text));
    }
}

static void add_soa(struct dns_compile *k, uint32_t serial)
{
    const struct config *c = k->config;
    const struct dns_zone *z = k->zone;
    uint32_t most = z->nxdomain ? NEGATIVE_TTL_MAX_SESSIONS : NEGATIVE_TTL_MAX;
    const char *rname = c->dns.hostmaster ? c->dns.hostmaster : FORMAT(k, "hostmaster.%s", c->zone);
    size_t len = strlen(rname);
    const char *dot = len > 0 && rname[len - 1] == '.' ? "" : ".";
    const char *line = FORMAT(k, "@ SOA %s. %s%s %lu %d %d %d %lu", c->nameservers.v[0], rname, dot,
                              (unsigned long)serial, SOA_REFRESH, SOA_RETRY, SOA_EXPIRE,
                              (unsigned long)(z->ttl < most ? z->ttl : most));
    dns_compile_line(k, "dns.hostmaster", line);
}

static void add_nameserver(struct dns_compile *k, const char *key, const char *text)
{
    struct dns_zone *z = k->zone;
    struct dns_name name;
    unsigned below;
    if (!dns_name_from_text(span_str(text), &name)) {
        dns_compile_fault(k, key, "%s is not a host name", text);
        return;
    }
    dns_compile_line(k, key, FORMAT(k, "@ NS %s.", text));
    if (!dns_name_in(&name, &z->name, &below))
        return;
    struct dns_node *node = dns_tree_insert(&z->tree, &z->arena, &name, below);
    node->lives = true;
    /* RFC 2181 10.3. */
    if (has_type(node, DNS_TYPE_CNAME))
        dns_compile_fault(k, key, "%s is a CNAME in dns.records; a nameserver cannot be", text);
    else
        add_addresses(k, FORMAT(k, "%s.", text), node);
}

static void add_caa(struct dns_compile *k)
{
    const struct config_strings *caa = &k->config->dns.caa;
    for (size_t i = 0; i < caa->n; i++) {
        char key[40];
        snprintf(key, sizeof(key), "dns.caa[%zu]", i);
        k->line = k->config->dns.caa_lines ? k->config->dns.caa_lines[i] : 0;
        dns_compile_line(k, key, FORMAT(k, "@ CAA %s", caa->v[i]));
    }
    k->line = 0;
}

/* A name in the zone that is there without having records. Names outside it are no matter of DNS. */
static struct dns_node *add_living(struct dns_compile *k, const char *text)
{
    struct dns_zone *z = k->zone;
    struct dns_name name;
    unsigned below;
    if (!dns_name_from_text(span_str(text), &name) || !dns_name_in(&name, &z->name, &below))
        return NULL;
    struct dns_node *node = dns_tree_insert(&z->tree, &z->arena, &name, below);
    node->lives = true;
    return node;
}

/* Needed only where it counts whether a session lives; elsewhere they would keep a static wildcard
 * from these names (RFC 4592 2.2.1). */
static void add_living_names(struct dns_compile *k)
{
    const struct config *c = k->config;
    if (!dns_zone_asks_sessions(k->zone))
        return;
    add_living(k, FORMAT(k, "edge.%s", c->zone));
    add_living(k, FORMAT(k, "www.%s", c->zone));
    for (size_t i = 0; i < c->n_services; i++)
        add_living(k, FORMAT(k, "%s.%s", c->services[i].name, c->zone));
    for (size_t i = 0; i < c->n_domains; i++) {
        struct dns_node *node = add_living(k, c->domains[i].domain);
        if (node && node->parent)
            node->domain = true;
    }
}

/* The edge's own wildcard. It has no place in the tree: it stands for what is not there. */
static void add_synth(struct dns_compile *k)
{
    struct dns_node *apex = k->zone->tree.apex, *synth = &k->zone->synth;
    struct dns_record *kept = apex->records;
    apex->records = NULL;
    add_addresses(k, "@", apex);
    add_https(k);
    synth->records = apex->records;
    apex->records = kept;
}

void dns_compile_own(struct dns_compile *k, uint32_t serial)
{
    const struct config_strings *nameservers = &k->config->nameservers;
    if (nameservers->n == 0) {
        dns_compile_fault(k, "nameservers", "at least one is needed");
        return;
    }
    struct dns_node *apex = k->zone->tree.apex;
    bool placed = has_type(apex, DNS_TYPE_A) || has_type(apex, DNS_TYPE_AAAA);

    add_soa(k, serial);
    for (size_t i = 0; i < nameservers->n; i++) {
        char key[40];
        snprintf(key, sizeof(key), "nameservers[%zu]", i);
        add_nameserver(k, key, nameservers->v[i]);
    }
    add_caa(k);
    add_addresses(k, "@", apex);
    /* It speaks of the edge: not where the apex was configured to be another host. */
    if (!placed && !has_type(apex, DNS_TYPE_HTTPS))
        add_https(k);
    add_synth(k);
    add_living_names(k);
}
