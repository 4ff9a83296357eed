/* What a compiled zone holds. For the files that make it and those that answer from it. */
#pragma once

#include <stdatomic.h>

#include "dns/tree.h"
#include "dns/zone.h"

#define DNS_NSID_MAX 128 /* an answer of 512 bytes has room for it beside the longest question */
/* How many CNAMEs are followed inside the zone; a longer chain, or a circle, is refused. */
#define DNS_CNAME_HOPS_MAX 8

struct dns_zone {
    atomic_uint refs;
    struct arena arena; /* everything below, but the tree's table */
    struct dns_name name;
    uint32_t ttl;
    bool nxdomain;      /* dns.unknown_sessions: names of sessions that are not do not exist */
    bool only_sessions; /* dns.only_sessions: whatever belongs to no living session is refused */
    struct span nsid;   /* p == NULL: not told */
    struct dns_tree tree;
    struct dns_node synth;     /* what every other name below the zone has */
    struct dns_rrset negative; /* the SOA as it stands beside a negative answer (RFC 2308 3) */
    struct dns_rrset any;      /* the HINFO of RFC 8482 4.2 */
};

/* Whether it counts for answers which sessions live. */
static inline bool dns_zone_asks_sessions(const struct dns_zone *z)
{
    return z->nxdomain || z->only_sessions;
}
