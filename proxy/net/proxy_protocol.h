/* The PROXY protocol, versions 1 and 2: what a load balancer says before a client's first byte. Pure.
 *
 * Read strictly: what deviates from the specification in one byte is ERR_SYNTAX, for whoever may send a
 * header may say who it is. What version 2 has behind the addresses (TLVs) is passed over.
 * The PROXY protocol, versions 1 and 2 (HAProxy Technologies, 2020), 2.1 and 2.2. */
#pragma once

#include "core/addr.h"
#include "core/span.h"

#define PROXY_V1_MAX 107  /* the longest line, its CRLF included */
#define PROXY_V2_HEAD 16  /* the signature, what it is, and the length of the rest */
#define PROXY_V2_MAX 4096 /* ours: addresses, and TLVs that nobody reads */

struct proxy_header {
    size_t len; /* of the header: the client's bytes follow */
    /* Whether it says for whom the connection is. Without that (LOCAL, UNKNOWN, UNSPEC, unix sockets)
     * the connection's own addresses count. */
    bool has_client;
    struct addr client, local; /* LOCAL: where the client connected to */
};

/* Reads the header at the start of S. ERR_AGAIN: it may be one, but is not whole. */
enum err proxy_header_parse(struct span s, struct proxy_header *out) MUST_USE;

#define PROXY_V2_OURS (PROXY_V2_HEAD + 36) /* the longest that is written here */

/* Writes a header that says CLIENT connected to LOCAL, into OUT; its length. IPv4 beside IPv6 is written
 * mapped; with an address that is neither (a unix socket) the header says nothing: UNKNOWN, LOCAL. */
size_t proxy_v1_write(const struct addr *client, const struct addr *local, char out[PROXY_V1_MAX]);
size_t proxy_v2_write(const struct addr *client, const struct addr *local, char out[PROXY_V2_OURS]);
