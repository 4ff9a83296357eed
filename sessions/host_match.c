#include "sessions/host_match.h"

#include "config/names.h"

/* A host in its first label and the rest. */
struct split {
    struct span label, rest;
};

static struct split split_first(struct span host)
{
    ptrdiff_t dot = span_chr(host, '.');
    if (dot < 0)
        return (struct split){.label = host, .rest = {NULL, 0}};
    return (struct split){span_sub(host, 0, (size_t)dot), span_from(host, (size_t)dot + 1)};
}

static struct session_entry *live_session(const struct route_table *t, struct span name)
{
    return name_is_session(name) ? route_table_find(t, name) : NULL;
}

const struct image_domain *host_service_domain(const struct route_table *t,
                                               const struct session_entry *s, struct span label)
{
    char name[256];
    struct span zone = t->edge->zone;
    if (label.len + 1 + zone.len > sizeof name)
        return NULL;
    memcpy(name, label.p, label.len);
    name[label.len] = '.';
    memcpy(name + label.len + 1, zone.p, zone.len);

    struct span full = span_of(name, label.len + 1 + zone.len);
    const struct image_domain *own = s ? session_image_domain(s->image, full) : NULL;
    return own ? own : edge_image_domain(t->edge, full);
}

/* <something>.<session>.<zone> of a live session other than S: the domains that S brings must not
 * take it. */
static bool is_anothers(const struct route_table *t, struct span rest,
                        const struct session_entry *s)
{
    struct split r = split_first(rest);
    if (!span_eq(r.rest, t->edge->zone))
        return false;
    const struct session_entry *other = live_session(t, r.label);
    return other && other != s;
}

/* The domain of <S>.<REST>. Both lists can only hold REST itself, so that "longest first" is settled;
 * the session's own stands before the edge's. */
static const struct image_domain *domain_of_session(const struct route_table *t,
                                                    const struct session_entry *s, struct span rest)
{
    const struct image_domain *own = session_image_domain(s->image, rest);
    if (own && !is_anothers(t, rest, s))
        return own;
    return edge_image_domain(t->edge, rest);
}

/* <session>.<domain>. */
static bool match_session_domain(const struct route_table *t, const struct split *h,
                                 struct host_match *out)
{
    if (h->rest.len == 0 || !name_is_session(h->label))
        return false;
    struct session_entry *s = route_table_find(t, h->label);
    const struct image_domain *d = s ? domain_of_session(t, s, h->rest)
                                     : edge_image_domain(t->edge, h->rest);
    if (!d)
        return false;

    /* Below a zone that is itself a domain a label may be either. A session before a service; but one
     * that does not live must not hide a service, whose name no session can have. A label that is
     * neither is taken for a session that is gone: an old link, far likelier than a service that
     * never was, and never to be answered by a shared copy. */
    bool zone = span_eq(h->rest, t->edge->zone);
    if (!s && zone && edge_image_service(t->edge, h->label))
        return false;
    *out = (struct host_match){
        .form = HOST_SESSION_DOMAIN, .session_name = h->label, .session = s, .domain = d};
    if (!s && zone)
        out->service = h->label;
    return true;
}

static void match_session_service(const struct route_table *t, struct span service,
                                  struct span session, struct host_match *out)
{
    /* edge.<zone> has nothing below it, and what is no name of a session names none. */
    if (service.len == 0 || !name_is_session(session) || span_eq(session, SPAN_LIT("edge")))
        return;
    out->form = HOST_SESSION_SERVICE;
    out->service = service;
    out->session_name = session;
    out->session = route_table_find(t, session);
    out->domain = host_service_domain(t, out->session, service);
}

/* Index of the last "--" in S, or -1. */
static ptrdiff_t last_double_dash(struct span s)
{
    for (size_t i = s.len; i >= 2; i--)
        if (s.p[i - 1] == '-' && s.p[i - 2] == '-')
            return (ptrdiff_t)i - 2;
    return -1;
}

/* <label>.<zone>: neither a session's nor a service's name holds "--". */
static void match_one_label(const struct route_table *t, struct span label, struct host_match *out)
{
    ptrdiff_t dashes = last_double_dash(label);
    if (dashes >= 0) {
        struct span service = span_sub(label, 0, (size_t)dashes);
        if (name_is_service(service))
            match_session_service(t, service, span_from(label, (size_t)dashes + 2), out);
        return;
    }
    if (!name_is_service(label))
        return;
    out->form = HOST_SERVICE;
    out->service = label;
}

static void match_below_zone(const struct route_table *t, struct span prefix,
                             struct host_match *out)
{
    struct split p = split_first(prefix);
    if (prefix.len == 0)
        return;
    if (p.rest.p == NULL)
        match_one_label(t, p.label, out);
    else if (span_chr(p.rest, '.') < 0)
        match_session_service(t, p.label, p.rest, out);
}

void host_match(const struct route_table *t, struct span host, struct host_match *out)
{
    *out = (struct host_match){.form = HOST_UNKNOWN};
    if (span_eq(host, t->edge->host)) {
        out->form = HOST_EDGE;
        return;
    }
    out->domain = edge_image_domain(t->edge, host);
    if (out->domain) {
        out->form = HOST_DOMAIN;
        return;
    }

    struct split h = split_first(host);
    struct span prefix;
    if (match_session_domain(t, &h, out))
        return;
    if (name_below(host, t->edge->zone, &prefix))
        match_below_zone(t, prefix, out);
}
