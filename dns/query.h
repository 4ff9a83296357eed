/* A query's bytes taken apart and judged for form: what can be said about it without a zone. */
#pragma once

#include "dns/edns.h"
#include "dns/name.h"

struct dns_query {
    const uint8_t *bytes;
    uint16_t flags;
    /* NOERROR: sound; else what the response says: FORMERR, NOTIMP, BADVERS. */
    enum dns_rcode rcode;
    /* How many bytes after the header are the question, to be given back as they came (so its case
     * stays); 0: there is none. */
    uint16_t question_len;
    uint16_t qtype, qclass;
    struct dns_name name; /* set when there is a question */
    struct dns_edns edns;
};

/* False: nothing is to be answered (too short for a header, or a response itself). Q borrows the
 * bytes. */
bool dns_query_parse(struct dns_query *q, const uint8_t *bytes, size_t len);
