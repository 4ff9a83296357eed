#include "sessions/context.h"

#include "core/addr.h"

#define SESSION_KEY SPAN_LIT("linkup-session")

/* W3C Baggage 3.3.2, W3C Trace Context 3.3.1.1 */
#define BAGGAGE_MEMBERS_MAX 64
#define BAGGAGE_BYTES_MAX 8192
#define TRACESTATE_MEMBERS_MAX 32

/* "KEY=VALUE" around the first '='. */
static bool split_pair(struct span s, struct span *key, struct span *value)
{
    ptrdiff_t eq = span_chr(s, '=');
    if (eq < 0)
        return false;
    *key = span_sub(s, 0, (size_t)eq);
    *value = span_from(s, (size_t)eq + 1);
    return true;
}

/* baggage-octet: visible ASCII without '"', ',', ';' and '\'. */
static bool is_baggage_value(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (c <= ' ' || c > '~' || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return s.len > 0;
}

/* list-member: key OWS "=" OWS value, then properties after ';', which are not ours to read. */
static struct span baggage_member_session(struct span member)
{
    struct span none = {NULL, 0}, key, value;
    ptrdiff_t properties = span_chr(member, ';');
    if (properties >= 0)
        member = span_sub(member, 0, (size_t)properties);
    if (!split_pair(member, &key, &value) || !span_eq(span_trim(key), SESSION_KEY))
        return none;
    value = span_trim(value);
    return is_baggage_value(value) ? value : none;
}

void context_feed_baggage(struct route_context *c, struct span value)
{
    struct span member;
    while (span_split(&value, ',', &member)) {
        c->baggage_bytes += member.len + 1; /* and its comma */
        if (c->baggage_bytes > BAGGAGE_BYTES_MAX + 1)
            return;
        member = span_trim(member);
        if (member.len == 0)
            continue;
        if (c->baggage_members >= BAGGAGE_MEMBERS_MAX)
            return;
        c->baggage_members++;
        if (c->baggage_session.len == 0)
            c->baggage_session = baggage_member_session(member);
    }
}

/* chr: printable ASCII without ',' and '='; W3C Trace Context 3.3.1.3.2. */
static bool is_tracestate_value(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (c < ' ' || c > '~' || c == ',' || c == '=')
            return false;
    }
    return s.len > 0 && s.len <= 256;
}

void context_feed_tracestate(struct route_context *c, struct span value)
{
    struct span member, key, text;
    while (span_split(&value, ',', &member)) {
        member = span_trim(member);
        if (member.len == 0) /* allowed, and not counted */
            continue;
        if (c->tracestate_members >= TRACESTATE_MEMBERS_MAX)
            return;
        c->tracestate_members++;
        if (c->tracestate_session.len > 0 || !split_pair(member, &key, &text))
            continue;
        if (span_eq(key, SESSION_KEY) && is_tracestate_value(text))
            c->tracestate_session = text;
    }
}

/* The authority of an http or https URL; *REST is what follows it. Empty for anything else. */
static struct span url_authority(struct span url, struct span *rest)
{
    struct span none = {NULL, 0};
    size_t skip = 0;
    if (span_eq_nocase(span_sub(url, 0, 8), SPAN_LIT("https://")))
        skip = 8;
    else if (span_eq_nocase(span_sub(url, 0, 7), SPAN_LIT("http://")))
        skip = 7;
    if (skip == 0)
        return none;

    struct span s = span_from(url, skip);
    size_t end = 0;
    while (end < s.len && s.p[end] != '/' && s.p[end] != '?' && s.p[end] != '#')
        end++;
    *rest = span_from(s, end);
    return span_sub(s, 0, end);
}

void context_feed_referer(struct route_context *c, struct span value)
{
    struct span rest;
    if (c->referer_host.len == 0)
        c->referer_host = url_authority(span_trim(value), &rest);
}

/* RFC 6454 7.1: scheme "://" host [":" port], or "null"; a list of origins names no one. */
void context_feed_origin(struct route_context *c, struct span value)
{
    struct span rest = {NULL, 0};
    struct span authority = url_authority(span_trim(value), &rest);
    if (c->origin_host.len == 0 && rest.len == 0)
        c->origin_host = authority;
}

enum err context_decode(struct span value, char *out, size_t cap, struct span *decoded)
{
    *decoded = value;
    if (span_chr(value, '%') < 0)
        return ERR_OK;

    size_t len = 0;
    for (size_t i = 0; i < value.len; i++, len++) {
        uint64_t byte = (unsigned char)value.p[i];
        if (value.p[i] == '%') {
            struct span hex = span_sub(value, i + 1, 2);
            if (hex.len != 2)
                return ERR_SYNTAX;
            TRY(span_hex_u64(hex, &byte));
            i += 2;
        }
        if (len == cap)
            return ERR_FULL;
        out[len] = (char)(unsigned char)byte;
    }
    *decoded = span_of(out, len);
    return ERR_OK;
}

/* --- hosts --- */

/* port = *DIGIT: none at all is a port too (RFC 3986 3.2.3). */
static bool is_port(struct span s)
{
    uint64_t port = 0;
    return s.len == 0 || (s.len <= 5 && span_to_u64(s, &port) == ERR_OK && port <= 65535);
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Lower-cased labels. A reg-name may be more, but nothing else is looked up in DNS; '_' is, and so
 * gets an answer that says what is wrong with the name rather than with the request. */
static bool is_name(struct span s)
{
    size_t label = 0;
    if (s.len > 253)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '.' ? label == 0 : !is_host_char(s.p[i]))
            return false;
        label = s.p[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

/* "[" address "]" at the front: its length with the brackets, 0 when it is none. */
static size_t ipv6_literal(struct span s)
{
    struct addr a;
    ptrdiff_t end = span_chr(s, ']');
    if (s.len == 0 || s.p[0] != '[' || end < 0)
        return 0;
    struct span inside = span_sub(s, 1, (size_t)end - 1);
    if (addr_parse_ip(inside, 0, &a) != ERR_OK || a.sa.sa_family != AF_INET6)
        return 0;
    return (size_t)end + 1;
}

static struct span copy_lower(struct span s, char out[256])
{
    memcpy(out, s.p, s.len);
    ascii_lower_in_place(out, s.len);
    return span_of(out, s.len);
}

enum err host_normalise(struct span authority, char out[256], struct span *host)
{
    size_t literal = ipv6_literal(authority);
    ptrdiff_t colon = span_chr(authority, ':');
    size_t len = literal ? literal : colon < 0 ? authority.len : (size_t)colon;
    struct span port = span_from(authority, len);
    if (len > 254 || (port.len > 0 && (port.p[0] != ':' || !is_port(span_from(port, 1)))))
        return ERR_SYNTAX;
    if (literal) {
        *host = copy_lower(span_sub(authority, 0, len), out);
        return ERR_OK;
    }

    if (len > 0 && authority.p[len - 1] == '.')
        len--;
    if (len == 0)
        return ERR_SYNTAX;
    struct span name = copy_lower(span_sub(authority, 0, len), out);
    if (!is_name(name))
        return ERR_SYNTAX;
    *host = name;
    return ERR_OK;
}
