#include "core/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

enum err addr_parse_ip(struct span s, uint16_t port, struct addr *out)
{
    char text[INET6_ADDRSTRLEN];
    if (span_copy_z(s, text, sizeof text) != ERR_OK)
        return ERR_SYNTAX;

    struct addr a = {.len = 0};
    if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.len = sizeof a.v4;
    } else if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.len = sizeof a.v6;
    } else {
        return ERR_SYNTAX;
    }
    addr_set_port(&a, port);
    *out = a;
    return ERR_OK;
}

/* "[" IPv6 "]" or IPv4, without the port. */
static enum err parse_host(struct span host, uint16_t port, struct addr *out)
{
    bool bracketed = host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']';
    struct addr a;
    TRY(addr_parse_ip(bracketed ? span_sub(host, 1, host.len - 2) : host, port, &a));
    if (bracketed != (a.sa.sa_family == AF_INET6))
        return ERR_SYNTAX;
    *out = a;
    return ERR_OK;
}

enum err addr_parse_port(struct span s, struct addr *out)
{
    ptrdiff_t colon = span_rchr(s, ':');
    if (colon < 0)
        return ERR_SYNTAX;

    uint64_t port;
    TRY(span_to_u64(span_from(s, (size_t)colon + 1), &port));
    if (port > UINT16_MAX)
        return ERR_RANGE;
    return parse_host(span_sub(s, 0, (size_t)colon), (uint16_t)port, out);
}

uint16_t addr_port(const struct addr *a)
{
    switch (a->sa.sa_family) {
    case AF_INET:
        return ntohs(a->v4.sin_port);
    case AF_INET6:
        return ntohs(a->v6.sin6_port);
    default:
        return 0;
    }
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET6)
        a->v6.sin6_port = htons(port);
    else
        a->v4.sin_port = htons(port);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family || addr_port(a) != addr_port(b))
        return false;
    switch (a->sa.sa_family) {
    case AF_INET:
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    case AF_INET6:
        /* Link-local addresses of two interfaces differ in the scope alone. */
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16) == 0 &&
               a->v6.sin6_scope_id == b->v6.sin6_scope_id;
    default:
        return false;
    }
}

const uint8_t *addr_ip_bytes(const struct addr *a, size_t *len)
{
    if (a->sa.sa_family == AF_INET) {
        *len = 4;
        return (const uint8_t *)&a->v4.sin_addr;
    }
    if (a->sa.sa_family != AF_INET6) {
        *len = 0;
        return (const uint8_t *)a;
    }
    const uint8_t *bytes = a->v6.sin6_addr.s6_addr;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr);
    *len = mapped ? 4 : 16;
    return mapped ? bytes + 12 : bytes;
}

bool addr_is_loopback(const struct addr *a)
{
    size_t len;
    const uint8_t *bytes = addr_ip_bytes(a, &len);
    if (len == 4)
        return bytes[0] == 127;
    return len == 16 && memcmp(bytes, &in6addr_loopback, 16) == 0;
}

const char *addr_ip_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    const void *ip = a->sa.sa_family == AF_INET6 ? (const void *)&a->v6.sin6_addr
                                                 : (const void *)&a->v4.sin_addr;
    if (!inet_ntop(a->sa.sa_family, ip, out, ADDR_TEXT_MAX))
        memcpy(out, "?", sizeof "?");
    return out;
}

const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    char ip[ADDR_TEXT_MAX];
    addr_ip_text(a, ip);
    const char *fmt = a->sa.sa_family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u";
    snprintf(out, ADDR_TEXT_MAX, fmt, ip, (unsigned)addr_port(a));
    return out;
}

/* Whether the first BITS bits of A and B are the same. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, size_t bits)
{
    size_t whole = bits / 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    unsigned rest = (unsigned)(bits % 8);
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool host_bits_clear(const struct addr_cidr *c)
{
    struct addr_cidr network = {.v6 = c->v6};
    for (size_t i = 0; i < c->prefix_len; i++)
        network.bytes[i / 8] |= (uint8_t)(c->bytes[i / 8] & (0x80 >> i % 8));
    return memcmp(network.bytes, c->bytes, sizeof c->bytes) == 0;
}

/* The digits behind the slash, up to MOST. */
static enum err parse_prefix_len(struct span s, uint64_t most, uint64_t *out)
{
    TRY(span_to_u64(s, out));
    return *out <= most ? ERR_OK : ERR_RANGE;
}

enum err addr_cidr_parse(struct span s, struct addr_cidr *out)
{
    ptrdiff_t slash = span_chr(s, '/');
    struct addr a;
    TRY(addr_parse_ip(slash < 0 ? s : span_sub(s, 0, (size_t)slash), 0, &a));

    bool v6 = a.sa.sa_family == AF_INET6;
    uint64_t prefix_len = v6 ? 128 : 32;
    if (slash >= 0)
        TRY(parse_prefix_len(span_from(s, (size_t)slash + 1), prefix_len, &prefix_len));

    /* addr_cidr_has sees a mapped address as IPv4: so must the network be. */
    size_t len;
    const uint8_t *bytes = addr_ip_bytes(&a, &len);
    if (v6 && len == 4) {
        if (prefix_len < 96)
            return ERR_SYNTAX;
        prefix_len -= 96;
    }
    struct addr_cidr c = {.v6 = len == 16, .prefix_len = (uint8_t)prefix_len};
    memcpy(c.bytes, bytes, len);
    if (!host_bits_clear(&c))
        return ERR_SYNTAX;
    *out = c;
    return ERR_OK;
}

bool addr_cidr_has(const struct addr_cidr *c, const struct addr *a)
{
    size_t len;
    const uint8_t *bytes = addr_ip_bytes(a, &len);
    return len == (c->v6 ? 16 : 4) && same_prefix(c->bytes, bytes, c->prefix_len);
}

bool addr_cidrs_have(const struct addr_cidr *v, size_t n, const struct addr *a)
{
    for (size_t i = 0; i < n; i++)
        if (addr_cidr_has(&v[i], a))
            return true;
    return false;
}
