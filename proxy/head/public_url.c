#include "proxy/head/public_url.h"

/* PORT in decimal digits in OUT; how many. */
static size_t port_text(uint16_t port, char *out)
{
    char digits[5];
    size_t at = sizeof digits;
    unsigned v = port;
    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

static char *put_octet(char *at, unsigned v)
{
    if (v >= 100)
        *at++ = (char)('0' + v / 100);
    if (v >= 10)
        *at++ = (char)('0' + v / 10 % 10);
    *at++ = (char)('0' + v % 10);
    return at;
}

/* IPv4 by hand: glibc's inet_ntop goes through sprintf, and this is needed twice a request. */
struct span client_ip_text(const struct addr *client, char out[ADDR_TEXT_MAX])
{
    if (client->sa.sa_family != AF_INET && client->sa.sa_family != AF_INET6)
        return SPAN_LIT("unknown");
    size_t len;
    const uint8_t *bytes = addr_ip_bytes(client, &len);
    if (len != 4)
        return span_str(addr_ip_text(client, out));
    char *at = out;
    for (size_t i = 0; i < 4; i++) {
        if (i > 0)
            *at++ = '.';
        at = put_octet(at, bytes[i]);
    }
    return span_of(out, (size_t)(at - out));
}

struct span authority_of(struct span host, uint16_t port, uint16_t default_port,
                         struct arena *arena)
{
    bool bare_v6 = host.len > 0 && host.p[0] != '[' && span_chr(host, ':') >= 0;
    bool with_port = port != default_port;
    if (!bare_v6 && !with_port)
        return host;

    char tail[2 + 5];
    size_t len = 0;
    if (bare_v6)
        tail[len++] = ']';
    if (with_port) {
        tail[len++] = ':';
        len += port_text(port, tail + len);
    }
    struct span parts[3] = {bare_v6 ? SPAN_LIT("[") : SPAN_LIT(""), host, span_of(tail, len)};
    return arena_join(arena, parts, 3);
}

struct span public_authority(const struct forward_facts *facts, struct arena *arena)
{
    return authority_of(facts->host, facts->public_port, facts->secure ? 443 : 80, arena);
}

struct span public_scheme(const struct forward_facts *facts)
{
    return facts->secure ? SPAN_LIT("https") : SPAN_LIT("http");
}
