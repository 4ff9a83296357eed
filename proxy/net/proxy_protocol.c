#include "proxy/net/proxy_protocol.h"

#include <stdio.h>

/* "\r\n\r\n\0\r\nQUIT\n": no protocol begins with it. */
static const char signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                   0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

#define V2_LOCAL 0x20
#define V2_PROXY 0x21
#define V2_UNSPEC 0x00
#define V2_TCP4 0x11
#define V2_TCP6 0x21
#define V2_UNIX_STREAM 0x31
#define V2_TCP4_LEN 12
#define V2_TCP6_LEN 36
#define V2_UNIX_LEN 216

static const uint8_t *bytes_of(struct span s)
{
    return (const uint8_t *)s.p;
}

/* Whether all that is there of S, and as far as WHOLE goes, is the same. */
static bool may_begin(struct span s, struct span whole)
{
    struct span there = span_sub(s, 0, whole.len);
    return span_eq(there, span_sub(whole, 0, there.len));
}

/* --- version 1 ----------------------------------------------------------------------------------- */

/* "a decimal integer in the range [0..65535] inclusive. Heading zeroes are not permitted". */
static enum err v1_port(struct span s, uint16_t *out)
{
    uint64_t n = 0;
    if (s.len == 0 || s.len > 5 || (s.len > 1 && s.p[0] == '0'))
        return ERR_SYNTAX;
    if (span_to_u64(s, &n) != ERR_OK || n > UINT16_MAX)
        return ERR_SYNTAX;
    *out = (uint16_t)n;
    return ERR_OK;
}

static enum err v1_addr(struct span ip, struct span port_text, int family, struct addr *out)
{
    uint16_t port = 0;
    TRY(v1_port(port_text, &port));
    if (addr_parse_ip(ip, port, out) != ERR_OK || out->sa.sa_family != family)
        return ERR_SYNTAX;
    return ERR_OK;
}

/* LINE without its CRLF: "PROXY TCP4 source destination source-port destination-port". */
static enum err v1_line(struct span line, struct proxy_header *out)
{
    struct span word[6] = {{NULL, 0}}, rest = line;
    size_t n = 0;
    while (n < 6 && span_split(&rest, ' ', &word[n]))
        n++;
    /* "the receiver must ignore anything presented before the CRLF": only the keyword counts. */
    if (span_eq(word[1], SPAN_LIT("UNKNOWN")))
        return ERR_OK;
    bool v4 = span_eq(word[1], SPAN_LIT("TCP4"));
    if (!v4 && !span_eq(word[1], SPAN_LIT("TCP6")))
        return ERR_SYNTAX;
    if (n != 6 || rest.len > 0 || line.p[line.len - 1] == ' ')
        return ERR_SYNTAX;
    int family = v4 ? AF_INET : AF_INET6;
    TRY(v1_addr(word[2], word[4], family, &out->client));
    TRY(v1_addr(word[3], word[5], family, &out->local));
    out->has_client = true;
    return ERR_OK;
}

static enum err v1_parse(struct span s, struct proxy_header *out)
{
    ptrdiff_t lf = span_chr(span_sub(s, 0, PROXY_V1_MAX), '\n');
    if (lf < 0)
        return s.len < PROXY_V1_MAX ? ERR_AGAIN : ERR_SYNTAX;
    struct span line = span_sub(s, 0, (size_t)lf);
    if (!span_ends(line, SPAN_LIT("\r")))
        return ERR_SYNTAX;
    out->len = (size_t)lf + 1;
    return v1_line(span_sub(line, 0, line.len - 1), out);
}

/* --- version 2 ----------------------------------------------------------------------------------- */

static void v2_addr4(const uint8_t *ip, const uint8_t *port, struct addr *out)
{
    *out = (struct addr){.v4 = {.sin_family = AF_INET}, .len = sizeof out->v4};
    memcpy(&out->v4.sin_addr, ip, 4);
    memcpy(&out->v4.sin_port, port, 2);
}

static void v2_addr6(const uint8_t *ip, const uint8_t *port, struct addr *out)
{
    *out = (struct addr){.v6 = {.sin6_family = AF_INET6}, .len = sizeof out->v6};
    memcpy(&out->v6.sin6_addr, ip, 16);
    memcpy(&out->v6.sin6_port, port, 2);
}

/* P, of LEN bytes: the addresses, and the TLVs behind them. */
static enum err v2_addresses(uint8_t family, const uint8_t *p, size_t len, struct proxy_header *out)
{
    switch (family) {
    case V2_UNSPEC:
        return ERR_OK;
    case V2_UNIX_STREAM:
        return len >= V2_UNIX_LEN ? ERR_OK : ERR_SYNTAX;
    case V2_TCP4:
        if (len < V2_TCP4_LEN)
            return ERR_SYNTAX;
        v2_addr4(p, p + 8, &out->client);
        v2_addr4(p + 4, p + 10, &out->local);
        break;
    case V2_TCP6:
        if (len < V2_TCP6_LEN)
            return ERR_SYNTAX;
        v2_addr6(p, p + 32, &out->client);
        v2_addr6(p + 16, p + 34, &out->local);
        break;
    default:
        return ERR_SYNTAX; /* datagrams do not come over TCP; the others are unassigned */
    }
    out->has_client = true;
    return ERR_OK;
}

static enum err v2_parse(struct span s, struct proxy_header *out)
{
    if (s.len < PROXY_V2_HEAD)
        return ERR_AGAIN;
    const uint8_t *p = bytes_of(s);
    size_t len = (size_t)p[14] << 8 | p[15];
    /* "Receivers must drop connections presenting unexpected values here." */
    if ((p[12] != V2_LOCAL && p[12] != V2_PROXY) || len > PROXY_V2_MAX - PROXY_V2_HEAD)
        return ERR_SYNTAX;
    if (s.len < PROXY_V2_HEAD + len)
        return ERR_AGAIN;
    out->len = PROXY_V2_HEAD + len;
    /* LOCAL: "the receiver must [...] discard the protocol block including the family". */
    return p[12] == V2_LOCAL ? ERR_OK : v2_addresses(p[13], p + PROXY_V2_HEAD, len, out);
}

enum err proxy_header_parse(struct span s, struct proxy_header *out)
{
    const struct span v1 = SPAN_LIT("PROXY "), v2 = span_of(signature, sizeof signature);
    *out = (struct proxy_header){0};
    if (may_begin(s, v2))
        return s.len < v2.len ? ERR_AGAIN : v2_parse(s, out);
    if (may_begin(s, v1))
        return s.len < v1.len ? ERR_AGAIN : v1_parse(s, out);
    return ERR_SYNTAX;
}

/* --- writing ------------------------------------------------------------------------------------- */

/* Both ends in one family, as the protocol has them. */
struct ends {
    struct addr client, local;
    int family; /* AF_UNSPEC: there is nothing to say */
};

/* An IPv4 address in the clothes of IPv6 as what it is. */
static struct addr plain(const struct addr *a)
{
    size_t len = 0;
    const uint8_t *ip = addr_ip_bytes(a, &len);
    if (a->sa.sa_family != AF_INET6 || len != 4)
        return *a;
    struct addr v4;
    v2_addr4(ip, (const uint8_t *)&a->v6.sin6_port, &v4);
    return v4;
}

static void make_mapped(struct addr *a)
{
    uint8_t ip[16] = {[10] = 0xff, [11] = 0xff};
    struct addr v4 = *a;
    if (v4.sa.sa_family != AF_INET)
        return;
    memcpy(ip + 12, &v4.v4.sin_addr, 4);
    v2_addr6(ip, (const uint8_t *)&v4.v4.sin_port, a);
}

static bool is_ip(const struct addr *a)
{
    return a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6;
}

static struct ends ends_of(const struct addr *client, const struct addr *local)
{
    struct ends e = {.family = AF_UNSPEC};
    if (!is_ip(client) || !is_ip(local))
        return e;
    e.client = plain(client);
    e.local = plain(local);
    if (e.client.sa.sa_family != e.local.sa.sa_family) {
        make_mapped(&e.client);
        make_mapped(&e.local);
    }
    e.family = e.client.sa.sa_family;
    return e;
}

size_t proxy_v1_write(const struct addr *client, const struct addr *local, char out[PROXY_V1_MAX])
{
    char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX], line[PROXY_V1_MAX + 1];
    struct ends e = ends_of(client, local);
    int n;
    if (e.family == AF_UNSPEC)
        n = snprintf(line, sizeof line, "PROXY UNKNOWN\r\n");
    else
        n = snprintf(line, sizeof line, "PROXY TCP%c %.45s %.45s %u %u\r\n",
                     e.family == AF_INET ? '4' : '6', addr_ip_text(&e.client, from),
                     addr_ip_text(&e.local, to), addr_port(&e.client), addr_port(&e.local));
    CHECK(n > 0 && n <= PROXY_V1_MAX);
    memcpy(out, line, (size_t)n);
    return (size_t)n;
}

/* The head; LEN bytes of addresses follow. */
static size_t v2_head(char *out, uint8_t command, uint8_t family, uint8_t len)
{
    memcpy(out, signature, sizeof signature);
    out[12] = (char)command;
    out[13] = (char)family;
    out[14] = 0;
    out[15] = (char)len;
    return PROXY_V2_HEAD + (size_t)len;
}

size_t proxy_v2_write(const struct addr *client, const struct addr *local, char out[PROXY_V2_OURS])
{
    char *p = out + PROXY_V2_HEAD;
    struct ends e = ends_of(client, local);
    if (e.family == AF_UNSPEC)
        return v2_head(out, V2_LOCAL, V2_UNSPEC, 0);
    if (e.family == AF_INET) {
        memcpy(p, &e.client.v4.sin_addr, 4);
        memcpy(p + 4, &e.local.v4.sin_addr, 4);
        memcpy(p + 8, &e.client.v4.sin_port, 2);
        memcpy(p + 10, &e.local.v4.sin_port, 2);
        return v2_head(out, V2_PROXY, V2_TCP4, V2_TCP4_LEN);
    }
    memcpy(p, &e.client.v6.sin6_addr, 16);
    memcpy(p + 16, &e.local.v6.sin6_addr, 16);
    memcpy(p + 32, &e.client.v6.sin6_port, 2);
    memcpy(p + 34, &e.local.v6.sin6_port, 2);
    return v2_head(out, V2_PROXY, V2_TCP6, V2_TCP6_LEN);
}
