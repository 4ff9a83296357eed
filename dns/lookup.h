/* Finding what answers for a name: RFC 1034 4.3.2 with the wildcards of RFC 4592, and below it the
 * edge's own wildcard, which reaches every name that has no address of its own, at any depth. */
#pragma once

#include "dns/answer.h"
#include "dns/zone_data.h"

struct dns_found {
    /* The name's own node, or the static wildcard that stands for it; NULL: neither. */
    const struct dns_node *node;
    bool exact; /* the name is in the tree */
    /* The session the name belongs to; p == NULL: it lives without one. */
    struct span session;
};

/* NAME lies BELOW labels below the apex. The result borrows from it. */
struct dns_found dns_lookup(const struct dns_zone *z, const struct dns_name *name, unsigned below);
/* Whether F may be answered at all: with dns.only_sessions only what belongs to a session that lives. */
bool dns_found_is_ours(const struct dns_zone *z, const struct dns_found *f,
                       const struct dns_oracle *oracle);
/* Whether the edge's own wildcard stands for the name found: always, but with
 * dns.unknown_sessions: nxdomain only for sessions that live. */
bool dns_found_lives(const struct dns_zone *z, const struct dns_found *f,
                     const struct dns_oracle *oracle);
