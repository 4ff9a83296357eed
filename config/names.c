#include "config/names.h"

#include <string.h>

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool name_is_label(struct span s)
{
    if (s.len == 0 || s.len > 63)
        return false;
    if (!is_alnum(s.p[0]) || !is_alnum(s.p[s.len - 1]))
        return false;
    for (size_t i = 1; i + 1 < s.len; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

/* Two dashes separate service and session within one label, so neither may hold them. */
static bool has_double_dash(struct span s)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if (s.p[i] == '-' && s.p[i + 1] == '-')
            return true;
    return false;
}

bool name_is_session(struct span s)
{
    return s.len <= 40 && name_is_label(s) && !has_double_dash(s);
}

bool name_is_service(struct span s)
{
    return name_is_label(s) && !has_double_dash(s);
}

bool name_is_host(struct span s)
{
    if (s.len == 0 || s.len > 253)
        return false;
    for (size_t start = 0; start <= s.len;) {
        ptrdiff_t dot = span_chr(span_from(s, start), '.');
        size_t end = dot < 0 ? s.len : start + (size_t)dot;
        if (!name_is_label(span_sub(s, start, end - start)))
            return false;
        start = end + 1;
    }
    return true;
}

bool name_below(struct span s, struct span base, struct span *prefix)
{
    if (base.len == 0 || !span_ends(s, base))
        return false;

    size_t before = s.len - base.len;
    if (before == 1 || (before > 1 && s.p[before - 1] != '.'))
        return false;
    if (prefix)
        *prefix = span_sub(s, 0, before ? before - 1 : 0);
    return true;
}

static struct span first_label(struct span host)
{
    ptrdiff_t dot = span_chr(host, '.');
    return dot < 0 ? host : span_sub(host, 0, (size_t)dot);
}

/* "ns1", "ns2"...: also those not configured today, so that one added later takes nobody's name. */
static bool is_numbered_nameserver(struct span s)
{
    if (s.len < 3 || memcmp(s.p, "ns", 2) != 0)
        return false;
    for (size_t i = 2; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

static bool is_nameserver_label(const struct config *c, struct span name)
{
    for (size_t i = 0; i < c->nameservers.n; i++) {
        struct span host = span_str(c->nameservers.v[i]);
        if (name_below(host, span_str(c->zone), NULL) && span_eq(first_label(host), name))
            return true;
    }
    return false;
}

const char *name_session_reserved(const struct config *c, struct span name)
{
    if (span_eq(name, SPAN_LIT("edge")))
        return "it is the edge's own host";
    if (span_eq(name, SPAN_LIT("www")))
        return "it is reserved";
    if (is_numbered_nameserver(name) || is_nameserver_label(c, name))
        return "it is reserved for a nameserver";
    for (size_t i = 0; i < c->n_services; i++)
        if (span_eq(span_str(c->services[i].name), name))
            return "it is a service's name";
    for (size_t i = 0; i < c->n_domains; i++)
        if (span_eq(first_label(span_str(c->domains[i].domain)), name))
            return "it is the first label of a configured domain";
    return NULL;
}
