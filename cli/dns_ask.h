/* One DNS question, asked of one server over UDP or TCP without a resolver in between. RFC 1035, RFC 6891. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/arena.h"
#include "core/span.h"

#define DNS_ASK_MAX 16

struct dns_question {
    const char *name;
    int type;       /* LDNS_RR_TYPE_... */
    bool tcp;       /* else UDP, without turning to TCP when the answer is cut */
    bool recursive; /* of a resolver */
    unsigned timeout_s;
};

struct dns_reply {
    const char *failure; /* NULL: an answer came */
    int rcode;
    const char *rcode_name;
    bool authoritative, cut;
    unsigned udp_size;              /* of the server's EDNS, 0: none */
    size_t n;                       /* records of the type asked for, the first DNS_ASK_MAX */
    const char *data[DNS_ASK_MAX];  /* as text */
    struct addr addrs[DNS_ASK_MAX]; /* of A and AAAA, port 53 */
};

/* Strings are ARENA's. */
void dns_ask(struct arena *arena, const struct addr *server, const struct dns_question *q,
             struct dns_reply *out);
/* The resolvers of this machine (/etc/resolv.conf); how many of them. */
size_t dns_resolvers(struct addr *out, size_t max);
