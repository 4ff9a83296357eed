/* TXT values added while serving: the answers to ACME challenges (RFC 8555 8.4).
 *
 * Belongs to one worker. A name with values, and every name above it, is an entry, so that an empty
 * non-terminal (RFC 8020) is found as fast as a name. Bounded. */
#pragma once

#include "core/table.h"
#include "dns/rrset.h"

#define DNS_TXT_VALUES_MAX 4096 /* in all */
#define DNS_TXT_PER_NAME_MAX 16 /* RFC 8555 needs two: for a name and for its wildcard */
#define DNS_TXT_TTL 1           /* a challenge is looked up once, its successor soon after */

struct dns_txt {
    struct table names;
    unsigned n_values;
};

struct dns_txt_name;

void dns_txt_init(struct dns_txt *t);
void dns_txt_deinit(struct dns_txt *t);

/* VALUE: at most 255 bytes, else ERR_RANGE. ERR_FULL at either bound; a value that is there
 * already is no error. */
enum err dns_txt_add(struct dns_txt *t, const struct dns_name *name, struct span value) MUST_USE;
void dns_txt_remove(struct dns_txt *t, const struct dns_name *name, struct span value);

/* NULL: neither NAME nor anything below it has values. */
const struct dns_txt_name *dns_txt_find(const struct dns_txt *t, const struct dns_name *name);
/* The values as an RRset; NULL at an empty non-terminal. */
const struct dns_rrset *dns_txt_set(const struct dns_txt_name *n);
