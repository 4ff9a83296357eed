#include "proxy/head/turning.h"

#include "core/mem.h"
#include "proxy/head/public_url.h"

/* --- location ------------------------------------------------------------------------------------ */

/* "http://host:port/path" or "//host:port/path" taken apart. */
struct reference {
    struct span scheme; /* empty in a network-path reference */
    struct span authority;
    struct span rest; /* path, query, fragment */
};

static bool split_reference(struct span s, struct reference *r)
{
    size_t skip = 0;
    if (span_eq_nocase(span_sub(s, 0, 7), SPAN_LIT("http://")))
        skip = 7;
    else if (span_eq_nocase(span_sub(s, 0, 8), SPAN_LIT("https://")))
        skip = 8;
    else if (span_starts(s, SPAN_LIT("//")))
        skip = 2;
    if (skip == 0)
        return false;
    r->scheme = span_sub(s, 0, skip > 2 ? skip - 3 : 0);
    s = span_from(s, skip);
    size_t len = 0;
    while (len < s.len && s.p[len] != '/' && s.p[len] != '?' && s.p[len] != '#')
        len++;
    r->authority = span_sub(s, 0, len);
    r->rest = span_from(s, len);
    return true;
}

/* The port AUTHORITY ends in, else the one of its scheme. HOST is what stands before it. */
static uint64_t split_port(struct span authority, uint16_t scheme_port, struct span *host)
{
    ptrdiff_t colon = span_rchr(authority, ':');
    *host = authority;
    if (colon < 0 || authority.p[authority.len - 1] == ']')
        return scheme_port;
    uint64_t port;
    struct span digits = span_from(authority, (size_t)colon + 1);
    *host = span_sub(authority, 0, (size_t)colon);
    if (digits.len == 0)
        return scheme_port;
    return span_to_u64(digits, &port) == ERR_OK ? port : 0;
}

static struct span without_brackets(struct span host)
{
    bool bracketed = host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']';
    return bracketed ? span_sub(host, 1, host.len - 2) : host;
}

static bool is_of_backend(const struct reference *r, const struct config_backend *b)
{
    bool secure = r->scheme.len ? r->scheme.len == 5 : b->scheme == BACKEND_HTTPS;
    struct span host;
    uint64_t port = split_port(r->authority, secure ? 443 : 80, &host);
    return port == b->port && span_eq_nocase(without_brackets(host), span_str(b->host));
}

/* REST without BASE in front of it; false when it is not there. "/base" stands before "/", "?", "#" or
 * nothing: "/based" is another path. */
static bool strip_base(struct span *rest, struct span base)
{
    if (base.len == 0 || !span_starts(*rest, base))
        return false;
    struct span after = span_from(*rest, base.len);
    if (after.len > 0 && after.p[0] != '/' && after.p[0] != '?' && after.p[0] != '#')
        return false;
    *rest = after;
    return true;
}

/* The scheme, when there was one, and the public host in front of REST. */
static struct span with_host(bool with_scheme, struct span rest, const struct forward_facts *facts,
                             struct arena *arena)
{
    struct span authority = public_authority(facts, arena);
    if (!authority.p)
        return authority;
    struct span parts[] = {
        with_scheme ? public_scheme(facts) : SPAN_LIT(""),
        with_scheme ? SPAN_LIT("://") : SPAN_LIT("//"),
        authority,
        rest.len && rest.p[0] == '/' ? SPAN_LIT("") : SPAN_LIT("/"),
        rest,
    };
    return arena_join(arena, parts, ARRAY_LEN(parts));
}

/* Whether PATH by itself would be read as a host: "//host" (RFC 3986 4.2), and what browsers take for it,
 * to whom a backslash is a slash and a tab is nothing. */
static bool looks_like_host(struct span path)
{
    size_t i = 1;
    while (i < path.len && path.p[i] == '\t')
        i++;
    return i < path.len && (path.p[i] == '/' || path.p[i] == '\\');
}

static struct span turn_path(struct span path, const struct forward_facts *facts,
                             struct arena *arena)
{
    if (!strip_base(&path, span_str(facts->route->backend->to.base_path)))
        return path;
    if (path.len == 0 || path.p[0] != '/') {
        struct span parts[2] = {SPAN_LIT("/"), path};
        return arena_join(arena, parts, 2);
    }
    /* Who asks for "//host" must not be sent there by what the backend makes of it: "/base//host/". */
    return looks_like_host(path) ? with_host(true, path, facts, arena) : path;
}

struct span turn_location(struct span location, const struct forward_facts *facts,
                          struct arena *arena)
{
    if (!facts->route->backend)
        return location;
    const struct config_backend *b = &facts->route->backend->to;
    struct reference r;
    if (!split_reference(location, &r))
        return turn_path(location, facts, arena);
    if (!is_of_backend(&r, b))
        return location;
    strip_base(&r.rest, span_str(b->base_path));
    return with_host(r.scheme.len > 0, r.rest, facts, arena);
}

/* --- set-cookie ---------------------------------------------------------------------------------- */

/* The value of the last domain attribute, as it counts (RFC 6265 5.3), without a leading dot. */
static struct span cookie_domain(struct span value)
{
    struct span domain = {NULL, 0}, part;
    span_split(&value, ';', &part); /* name and value of the cookie itself */
    while (span_split(&value, ';', &part)) {
        ptrdiff_t eq = span_chr(part, '=');
        if (eq < 0 || !span_eq_nocase(span_trim(span_sub(part, 0, (size_t)eq)), SPAN_LIT("domain")))
            continue;
        domain = span_trim(span_from(part, (size_t)eq + 1));
    }
    return domain.len > 0 && domain.p[0] == '.' ? span_from(domain, 1) : domain;
}

struct span turn_cookie(struct span value, const struct forward_facts *facts, struct arena *arena)
{
    if (!facts->route->backend)
        return value;
    struct span domain = cookie_domain(value);
    if (domain.len == 0 || !span_eq_nocase(domain, span_str(facts->route->backend->to.host)))
        return value;
    size_t before = (size_t)(domain.p - value.p);
    struct span parts[3] = {
        span_sub(value, 0, before),
        facts->host,
        span_from(value, before + domain.len),
    };
    return arena_join(arena, parts, 3);
}
