/* RRsets as wire bytes, made once and copied into every answer.
 *
 * In the bytes each record's owner is a compression pointer to the question (0xC00C), and a name in
 * the record data that ends in the zone's name ends in a pointer to the zone's name in the question.
 * Copying therefore means: the bytes, and a few pointers set to where this question has its names. */
#pragma once

#include "core/arena.h"
#include "dns/name.h"
#include "dns/proto.h"

struct dns_rrset;

/* Addresses that go to the additional section of an answer with their RRset. */
struct dns_glue {
    uint16_t name_at; /* their owner: a name in the RRset's wire; 0: the RRset's own owner */
    const struct dns_rrset *a, *aaaa; /* NULL: none */
};

struct dns_rrset {
    uint16_t type, count;
    uint16_t len;
    uint16_t n_zone_at, n_glue;
    const uint8_t *wire;
    const uint16_t *zone_at;  /* where pointers to the zone's name stand */
    const uint16_t *owner_at; /* where the count records begin */
    const struct dns_glue *glue;
};

/* The largest RRset: it fits into a message of 65535 bytes beside any question and OPT. */
#define DNS_RRSET_WIRE_MAX 65000

/* One record as it was read, before it is compiled. Lives in the zone's arena. */
struct dns_record {
    struct dns_record *next;
    struct dns_name owner;
    uint16_t type;
    uint32_t ttl;
    uint16_t rdata_len;
    const uint8_t *rdata; /* names in it are not compressed */
    uint16_t name_at;     /* set by dns_rrset_build: where in the wire the first name of rdata is */
};

/* Compiles the records of TYPE among the list RECORDS (at least one), without glue; the result lies
 * in ARENA. ERR_FULL: larger than DNS_RRSET_WIRE_MAX; ERR_SYNTAX: a name in rdata is malformed. */
enum err dns_rrset_build(struct arena *arena, const struct dns_name *zone, uint16_t type,
                         struct dns_record *records, struct dns_rrset *out) MUST_USE;
/* The name in the rdata of R, for a type that has one that is followed: NS, CNAME, PTR, MX, and the
 * target of HTTPS. */
bool dns_record_target(const struct dns_record *r, struct dns_name *out);

/* Appends the RRset, its owner the name at message offset OWNER, the zone's name at ZONE. False,
 * and the writer failed, when it does not fit. */
bool dns_rrset_put(const struct dns_rrset *s, struct wire_writer *w, size_t owner, size_t zone);

/* Sets the TTL of all records of S, which was put at WIRE. */
void dns_rrset_set_ttl(const struct dns_rrset *s, uint8_t *wire, uint32_t ttl);

/* A pointer to message offset AT (RFC 1035 4.1.4). */
static inline uint16_t dns_pointer(size_t at)
{
    return (uint16_t)(0xc000 | at);
}
