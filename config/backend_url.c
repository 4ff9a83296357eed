#include "config/backend_url.h"

#include "config/names.h"
#include <stdio.h>
#include <string.h>

#include "core/addr.h"

/* Longer URLs are no addresses of anything, and what the API takes must be bounded. */
#define URL_MAX 2048
#define HOST_MAX 253

struct url_parts {
    enum backend_scheme scheme;
    struct span host; /* without brackets */
    bool bracketed;
    struct span port; /* p == NULL: none given */
    struct span path;
};

static const struct {
    const char *name;
    enum backend_scheme scheme;
    uint16_t port;
} schemes[] = {
    [BACKEND_HTTP] = {"http", BACKEND_HTTP, 80},
    [BACKEND_HTTPS] = {"https", BACKEND_HTTPS, 443},
    [BACKEND_H2C] = {"h2c", BACKEND_H2C, 80},
};

static bool take_scheme(struct span *rest, enum backend_scheme *out)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct span name = span_str(schemes[i].name);
        if (!span_eq_nocase(span_sub(*rest, 0, name.len), name))
            continue;
        if (!span_starts(span_from(*rest, name.len), SPAN_LIT("://")))
            continue;
        *out = schemes[i].scheme;
        *rest = span_from(*rest, name.len + 3);
        return true;
    }
    return false;
}

static const char *split_authority(struct span authority, struct url_parts *parts)
{
    if (span_chr(authority, '@') >= 0)
        return "it must not hold a user or a password";

    struct span after;
    if (span_starts(authority, SPAN_LIT("["))) {
        ptrdiff_t end = span_chr(authority, ']');
        if (end < 0)
            return "the ']' after the IPv6 address is missing";
        parts->bracketed = true;
        parts->host = span_sub(authority, 1, (size_t)end - 1);
        after = span_from(authority, (size_t)end + 1);
    } else {
        ptrdiff_t colon = span_chr(authority, ':');
        size_t len = colon < 0 ? authority.len : (size_t)colon;
        parts->host = span_sub(authority, 0, len);
        after = span_from(authority, len);
    }

    if (parts->host.len == 0)
        return "the host is missing";
    if (after.len == 0)
        return NULL;
    if (after.p[0] != ':')
        return "after the host only a port may follow";
    if (span_chr(span_from(after, 1), ':') >= 0)
        return "an IPv6 address needs brackets: http://[2001:db8::1]:80";
    parts->port = span_from(after, 1);
    return NULL;
}

static const char *split_url(struct span url, struct url_parts *parts)
{
    if (url.len == 0)
        return "it is empty";
    if (url.len > URL_MAX)
        return "it is longer than 2048 bytes";
    for (size_t i = 0; i < url.len; i++)
        if (url.p[i] <= ' ' || url.p[i] > '~')
            return "spaces, control and non-ASCII characters must be percent-encoded";
    if (!take_scheme(&url, &parts->scheme))
        return "it must begin with http://, https:// or h2c://";
    if (span_chr(url, '?') >= 0)
        return "it must not hold a query ('?')";
    if (span_chr(url, '#') >= 0)
        return "it must not hold a fragment ('#')";

    ptrdiff_t slash = span_chr(url, '/');
    size_t end = slash < 0 ? url.len : (size_t)slash;
    parts->path = span_from(url, end);
    return split_authority(span_sub(url, 0, end), parts);
}

static const char *parse_port(struct span text, uint16_t *out)
{
    uint64_t port = 0;
    if (text.len > 5 || span_to_u64(text, &port) != ERR_OK || port < 1 || port > 65535)
        return "the port must be a number from 1 to 65535";
    *out = (uint16_t)port;
    return NULL;
}

/* Container and Windows hosts have underscores; resolvers take them, so they are no mistake here. */
static bool is_backend_label(struct span s)
{
    if (s.len == 0 || s.len > 63 || s.p[0] == '-' || s.p[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.p[i]);
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!ok)
            return false;
    }
    return true;
}

static bool is_backend_name(struct span s)
{
    struct span label = {NULL, 0};
    if (s.len == 0 || s.len > HOST_MAX || s.p[s.len - 1] == '.')
        return false;
    while (span_split(&s, '.', &label))
        if (!is_backend_label(label))
            return false;
    return true;
}

/* A host that ends in a number is meant as an IPv4 address ("127.1", "10.0.0.256", "0x7f.1"), which
 * resolvers would each read in their own way: only the full dotted form is taken. */
static bool ends_in_number(struct span host)
{
    ptrdiff_t dot = span_rchr(host, '.');
    struct span last = span_from(host, (size_t)(dot + 1));
    uint64_t n = 0;
    if (span_starts(last, SPAN_LIT("0x")) || span_starts(last, SPAN_LIT("0X")))
        return last.len == 2 || span_hex_u64(span_from(last, 2), &n) == ERR_OK;
    for (size_t i = 0; i < last.len; i++)
        if (last.p[i] < '0' || last.p[i] > '9')
            return false;
    return last.len > 0;
}

static const char *check_host(const struct url_parts *parts, bool *is_ip, char text[ADDR_TEXT_MAX])
{
    struct addr a;
    bool numeric = parts->bracketed || ends_in_number(parts->host);
    *is_ip = false;
    if (!numeric)
        return is_backend_name(parts->host) ? NULL : "the host is not a valid name";

    if (addr_parse_ip(parts->host, 0, &a) != ERR_OK)
        return parts->bracketed ? "the host is not a valid IPv6 address"
                                : "the host is not a valid IPv4 address";
    if (parts->bracketed != (a.sa.sa_family == AF_INET6))
        return "only an IPv6 address stands in brackets";
    *is_ip = true;
    addr_ip_text(&a, text);
    return NULL;
}

static bool is_hex(char c)
{
    c = ascii_lower(c);
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* RFC 3986 3.3: pchar. */
static bool is_path_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        char l = ascii_lower(c);
        if (c == '%') {
            if (s.len - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
                return false;
            continue;
        }
        bool alnum = (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && !strchr("-._~!$&'()*+,;=:@/", c))
            return false;
    }
    return true;
}

/* A dot segment, plain or encoded, would climb out of the base path. */
static bool is_dot_segment(struct span s)
{
    size_t dots = 0;
    while (s.len > 0) {
        size_t skip = s.p[0] == '.'                                        ? 1
                      : span_eq_nocase(span_sub(s, 0, 3), SPAN_LIT("%2e")) ? 3
                                                                           : 0;
        if (skip == 0)
            return false;
        s = span_from(s, skip);
        dots++;
    }
    return dots == 1 || dots == 2;
}

static const char *check_path(struct span *path)
{
    if (span_ends(*path, SPAN_LIT("/")))
        *path = span_sub(*path, 0, path->len - 1);
    if (path->len == 0)
        return NULL;
    if (!is_path_text(*path))
        return "the path holds a character that must be percent-encoded";

    struct span rest = span_from(*path, 1), segment;
    if (rest.len == 0 || span_ends(rest, SPAN_LIT("/")))
        return "the path holds an empty segment ('//')";
    while (span_split(&rest, '/', &segment)) {
        if (segment.len == 0)
            return "the path holds an empty segment ('//')";
        if (is_dot_segment(segment))
            return "the path must not hold '.' or '..' segments";
    }
    return NULL;
}

static enum err store(const struct url_parts *parts, struct span host, struct arena *arena,
                      struct config_backend *out)
{
    bool v6 = parts->bracketed;
    const char *scheme = schemes[parts->scheme].name;
    char port[8] = "";
    if (out->port != schemes[parts->scheme].port)
        snprintf(port, sizeof port, ":%u", out->port);

    struct span kept = arena_copy_lower(arena, host);
    if (!kept.p)
        return ERR_MEMORY;
    out->host = arena_strz(arena, kept);
    out->base_path = arena_strz(arena, parts->path);
    struct span url = arena_printf(arena, "%s://%s" SPAN_FMT "%s%s" SPAN_FMT, scheme, v6 ? "[" : "",
                                   SPAN_ARG(kept), v6 ? "]" : "", port, SPAN_ARG(parts->path));
    if (!out->host || !out->base_path || !url.p)
        return ERR_MEMORY;
    out->url = url.p;
    return ERR_OK;
}

enum err backend_url_parse(struct span url, struct arena *arena, struct config_backend *out,
                           const char **why)
{
    struct url_parts parts = {.port = {NULL, 0}};
    struct config_backend b = {.tls_verify = true};
    char ip[ADDR_TEXT_MAX];

    *why = split_url(url, &parts);
    if (*why)
        return ERR_SYNTAX;
    b.scheme = parts.scheme;
    b.port = schemes[parts.scheme].port;
    if (parts.port.p)
        *why = parse_port(parts.port, &b.port);
    if (!*why)
        *why = check_host(&parts, &b.host_is_ip, ip);
    if (!*why)
        *why = check_path(&parts.path);
    if (*why)
        return ERR_SYNTAX;

    TRY(store(&parts, b.host_is_ip ? span_str(ip) : parts.host, arena, &b));
    *out = b;
    return ERR_OK;
}

enum err backend_hostport_parse(struct span text, struct arena *arena, struct config_hostport *out,
                                const char **why)
{
    struct url_parts parts = {.port = {NULL, 0}};
    struct config_hostport h = {0};
    char ip[ADDR_TEXT_MAX];
    bool is_ip = false;

    *why = text.len > URL_MAX ? "it is longer than 2048 bytes" : split_authority(text, &parts);
    if (!*why && !parts.port.p)
        *why = "the port is missing";
    if (!*why)
        *why = parse_port(parts.port, &h.port);
    if (!*why)
        *why = check_host(&parts, &is_ip, ip);
    if (*why)
        return ERR_SYNTAX;

    struct span kept = arena_copy_lower(arena, is_ip ? span_str(ip) : parts.host);
    h.host = kept.p ? arena_strz(arena, kept) : NULL;
    if (!h.host)
        return ERR_MEMORY;
    *out = h;
    return ERR_OK;
}
