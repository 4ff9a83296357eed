/* Records as people write them: a line of a master file (RFC 1035 5.1), read by ldns. */
#pragma once

#include "dns/rrset.h"

/* What a line is relative to. */
struct dns_origin {
    const struct dns_name *zone;
    const char *zone_text; /* with the final dot */
    uint32_t ttl;          /* of lines that give none */
};

/* Reads the one record LINE holds. NULL when it is not one: then WHY says so in English. The record
 * lies in ARENA; it is of class IN, its owner may lie anywhere. */
struct dns_record *dns_record_read(const struct dns_origin *origin, const char *line,
                                   struct arena *arena, struct span *why);
