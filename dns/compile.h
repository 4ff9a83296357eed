/* The making of a zone, in the order of these functions: static records are taken first, because
 * they win; then what the edge adds; then everything is compiled. */
#pragma once

#include "config/errors.h"
#include "dns/records.h"
#include "dns/zone_data.h"

struct dns_compile {
    const struct config *config;
    struct dns_zone *zone;
    struct dns_origin origin;
    struct config_errors *errors;
    unsigned line; /* of what is being compiled, in the configuration's file; 0: not known */
    bool failed;   /* an error was added */
};

/* Notes what is wrong with KEY. */
void dns_compile_fault(struct dns_compile *k, const char *key, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Reads LINE and puts the record at its node; what is wrong with it is noted under KEY. */
void dns_compile_line(struct dns_compile *k, const char *key, const char *line);

/* dns.records, each checked. */
void dns_compile_static(struct dns_compile *k);
/* SOA, NS, CAA; the addresses of apex and nameservers; the names that always live. */
void dns_compile_own(struct dns_compile *k, uint32_t serial);
/* RRsets of every node, CNAME targets, additional data; then the records are not used any more. */
void dns_compile_sets(struct dns_compile *k);
