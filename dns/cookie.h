/* DNS cookies: what a client showed and what it is given back. RFC 7873, with the server cookies of
 * RFC 9018, so that servers of different make behind one address agree. Pure. */
#pragma once

#include "core/addr.h"
#include "dns/answer.h"

#define DNS_COOKIE_CLIENT_LEN 8
#define DNS_COOKIE_SERVER_LEN 16
#define DNS_COOKIE_LEN (DNS_COOKIE_CLIENT_LEN + DNS_COOKIE_SERVER_LEN)

enum dns_cookie_state {
    DNS_COOKIE_NONE,
    DNS_COOKIE_CLIENT_ONLY,
    DNS_COOKIE_BAD,  /* a server cookie that is not ours, not this client's, or too old */
    DNS_COOKIE_GOOD, /* the client's address is not forged */
};

/* Whether an option of LEN bytes can be a cookie at all (RFC 7873 5.2.2: else FORMERR). */
bool dns_cookie_len_ok(size_t len);

/* Judges the option's LEN bytes at COOKIE (of a length that is ok, or 0: none) and writes the whole
 * cookie for the response to OUT, unless there was none. A good one less than half an hour old is
 * given back as it is; any other gets a fresh one. */
enum dns_cookie_state dns_cookie_answer(const struct dns_cookie_keys *keys,
                                        const struct addr *client, uint32_t wall_s,
                                        const uint8_t *cookie, size_t len,
                                        uint8_t out[DNS_COOKIE_LEN]);
