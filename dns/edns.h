/* EDNS(0): the OPT record of a query taken apart, and the one of a response written. RFC 6891; the
 * options understood are COOKIE (RFC 7873) and NSID (RFC 5001), others are passed over. */
#pragma once

#include "core/wire.h"
#include "dns/cookie.h"
#include "dns/proto.h"

struct dns_edns {
    bool present, dnssec_ok, nsid;
    uint16_t payload;      /* what the client says it takes over UDP */
    uint8_t cookie_len;    /* 0: none */
    const uint8_t *cookie; /* in the query */
};

/* Reads what follows the type of an OPT record. NOERROR, FORMERR or BADVERS; E is present with its
 * payload and DO bit even for BADVERS, so that it can be answered with an OPT (RFC 6891 6.1.3). */
enum dns_rcode dns_edns_read(struct wire_reader *r, struct dns_edns *e);

/* What a response's OPT holds; spans and pointers are borrowed. */
struct dns_opt {
    bool dnssec_ok;
    enum dns_rcode rcode;  /* its upper eight bits go here */
    const uint8_t *cookie; /* DNS_COOKIE_LEN bytes, NULL: none */
    struct span nsid;      /* p == NULL: none */
};

size_t dns_opt_len(const struct dns_opt *o);
/* Writes dns_opt_len bytes. */
void dns_opt_put(const struct dns_opt *o, struct wire_writer *w);
