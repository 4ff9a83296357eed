/* Answering: query bytes in, response bytes out. RFC 1034 4.3.2, 1035, 2181, 2308, 3597, 4592, 5001,
 * 6891, 7873, 8020, 8482, 9018, 9460.
 *
 * One struct dns_responder per worker, used by that worker's thread only. Answering allocates
 * nothing and takes no lock. */
#pragma once

#include <stdbool.h>

#include "core/addr.h"
#include "core/metrics.h"
#include "core/span.h"
#include "dns/zone.h"

enum dns_transport { DNS_UDP, DNS_TCP };

#define DNS_UDP_PAYLOAD_MAX 1232
#define DNS_MESSAGE_MAX 65535

/* What the responder asks of the rest of the edge, on the worker's thread. */
struct dns_oracle {
    void *ctx;
    /* Whether SESSION (a lower-case label) lives: only asked with
     * dns.unknown_sessions: nxdomain or dns.only_sessions. */
    bool (*session_lives)(void *ctx, struct span session);
};

struct dns_cookie_keys {
    uint8_t current[16], previous[16];
    bool has_previous;
};

struct dns_responder;

struct dns_responder *dns_responder_new(struct dns_zone *zone, const struct dns_oracle *oracle,
                                        struct metrics *metrics);
void dns_responder_free(struct dns_responder *r);
/* Takes a reference to ZONE in place of the one it held. */
void dns_responder_set_zone(struct dns_responder *r, struct dns_zone *zone);
/* The secrets of server cookies (RFC 9018), the same on all workers. */
void dns_responder_set_cookie_keys(struct dns_responder *r, const struct dns_cookie_keys *keys);

/* TXT values at a name inside the zone, for ACME challenges: several may stand at one name. NAME is
 * absolute, without final dot; at most 255 bytes of VALUE. ERR_SYNTAX: NAME is no name; ERR_RANGE: it
 * lies outside the zone, or VALUE is too long; ERR_CONFLICT: a static CNAME stands there; ERR_FULL:
 * 16 values at the name, or 4,096 in all. One that is there already is no error. */
enum err dns_responder_txt_add(struct dns_responder *r, struct span name,
                               struct span value) MUST_USE;
void dns_responder_txt_remove(struct dns_responder *r, struct span name, struct span value);

/* The response to the LEN bytes at QUERY, written to OUT (CAP: at least 512 for UDP, 65535 for TCP),
 * its length; 0: no response is due (not a query, too short to answer). WALL_S is the time for
 * cookies. The query may be any bytes. Never more than what the client said it takes. */
size_t dns_answer(struct dns_responder *r, enum dns_transport transport, const struct addr *client,
                  uint32_t wall_s, const uint8_t *query, size_t len, uint8_t *out, size_t cap);
