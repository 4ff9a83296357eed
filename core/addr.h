/* Socket addresses and networks: IPv4 and IPv6, as values. All functions are pure. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/span.h"

struct addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t len;
};

struct addr_cidr {
    bool v6;
    uint8_t prefix_len;
    uint8_t bytes[16]; /* network order; 4 used for IPv4; host bits zero */
};

#define ADDR_TEXT_MAX 64 /* "[...]:65535" and a terminator */

/* "192.0.2.1:53", "[::1]:53"; a port is required. */
enum err addr_parse_port(struct span s, struct addr *out) MUST_USE;
/* "192.0.2.1", "::1", no brackets; PORT in host order. */
enum err addr_parse_ip(struct span s, uint16_t port, struct addr *out) MUST_USE;
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);
/* The IP's bytes, 4 or 16 of them in *LEN; an IPv4-mapped IPv6 address gives its 4. */
const uint8_t *addr_ip_bytes(const struct addr *a, size_t *len);
/* "192.0.2.1:53" or "[::1]:53"; without the port: "192.0.2.1", "::1". Returns OUT. */
const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]);
const char *addr_ip_text(const struct addr *a, char out[ADDR_TEXT_MAX]);

/* "10.0.0.0/8", "2001:db8::/32", a bare IP as its own network; host bits set: ERR_SYNTAX. */
enum err addr_cidr_parse(struct span s, struct addr_cidr *out) MUST_USE;
bool addr_cidr_has(const struct addr_cidr *c, const struct addr *a);
/* Whether one of the N networks at V has A. */
bool addr_cidrs_have(const struct addr_cidr *v, size_t n, const struct addr *a);
