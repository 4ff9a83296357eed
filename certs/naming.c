#include "certs/naming.h"

#include "config/names.h"

/* Whether HOST is BASE or stands one label below it: what the names BASE and *.BASE cover. */
static bool covered(struct span host, struct span base)
{
    struct span prefix;
    return name_below(host, base, &prefix) && span_chr(prefix, '.') < 0;
}

/* The longest configured domain that covers HOST, else the empty span. */
static struct span domain_for(const struct config *c, struct span host)
{
    struct span best = {0};
    for (size_t i = 0; i < c->n_domains; i++) {
        struct span d = span_str(c->domains[i].domain);
        if (d.len > best.len && covered(host, d))
            best = d;
    }
    return best;
}

static bool is_domain(const struct config *c, struct span base)
{
    for (size_t i = 0; i < c->n_domains; i++) {
        if (span_eq(span_str(c->domains[i].domain), base))
            return true;
    }
    return false;
}

/* HOST's base when it reads <service>.<session>.<zone>, else the empty span. */
static struct span session_base_for(const struct config *c, struct span host)
{
    ptrdiff_t dot = span_chr(host, '.');
    if (dot < 0)
        return (struct span){0};

    struct span base = span_from(host, (size_t)dot + 1), session;
    if (!name_below(base, span_str(c->zone), &session) || !name_is_session(session))
        return (struct span){0};
    return base;
}

enum err cert_base_for(const struct config *c, struct span host, char out[CERT_BASE_MAX])
{
    if (!name_is_host(host))
        return ERR_NOT_FOUND;
    /* The zone comes first: its wildcard covers a domain that is one label below it, and the fewer
     * certificates there are, the more hosts can share a browser's connection (RFC 9113 9.1.1). */
    if (covered(host, span_str(c->zone)))
        return span_copy_z(span_str(c->zone), out, CERT_BASE_MAX);

    struct span base = domain_for(c, host);
    if (base.len == 0)
        base = session_base_for(c, host);
    if (base.len == 0)
        return ERR_NOT_FOUND;
    return span_copy_z(base, out, CERT_BASE_MAX);
}

struct span cert_base_session(const struct config *c, struct span base)
{
    struct span session;
    if (is_domain(c, base) || !name_below(base, span_str(c->zone), &session) ||
        !name_is_session(session))
        return (struct span){0};
    return session;
}

bool cert_base_valid(const struct config *c, struct span base)
{
    return span_eq(base, span_str(c->zone)) || is_domain(c, base) ||
           cert_base_session(c, base).len > 0;
}
