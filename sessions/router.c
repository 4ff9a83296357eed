#include "sessions/router.h"

#include "config/names.h"
#include "sessions/host_match.h"

/* --- the session --- */

/* The live session that HOST, as some field has it, names. */
static struct session_entry *session_of_host(const struct route_table *t, struct span field)
{
    char text[256];
    struct span host;
    struct host_match m;
    if (field.len == 0 || host_normalise(field, text, &host) != ERR_OK)
        return NULL;
    host_match(t, host, &m);
    return m.session;
}

static struct session_entry *session_of_baggage(const struct route_table *t, struct span value)
{
    char text[SESSION_NAME_MAX];
    struct span name;
    if (value.len == 0 || context_decode(value, text, sizeof text, &name) != ERR_OK)
        return NULL;
    return route_table_find(t, name);
}

static struct session_entry *session_of_tracestate(const struct route_table *t, struct span value)
{
    return value.len > 0 ? route_table_find(t, value) : NULL;
}

/* The first that names a live session: one that is gone must not silence the ones after it. */
static struct session_entry *session_of_context(const struct route_table *t,
                                                const struct route_context *c,
                                                enum session_source *source)
{
    struct session_entry *s = NULL;
    *source = SESSION_NONE;
    if (!c)
        return NULL;
    if ((s = session_of_baggage(t, c->baggage_session)))
        *source = SESSION_FROM_BAGGAGE;
    else if ((s = session_of_tracestate(t, c->tracestate_session)))
        *source = SESSION_FROM_TRACESTATE;
    else if ((s = session_of_host(t, c->referer_host)))
        *source = SESSION_FROM_REFERER;
    else if ((s = session_of_host(t, c->origin_host)))
        *source = SESSION_FROM_ORIGIN;
    return s;
}

static void set_session(struct route_result *out, struct session_entry *s,
                        enum session_source source)
{
    out->session = s;
    out->session_source = source;
    out->session_name = s->image->name;
}

/* --- the service --- */

static const struct image_override *override_of(const struct session_entry *s, struct span service)
{
    return s ? session_image_override(s->image, service) : NULL;
}

static bool is_known_service(const struct route_table *t, const struct session_entry *s,
                             struct span service)
{
    return override_of(s, service) || edge_image_service(t->edge, service);
}

static const struct image_route *matching_route(const struct route_table *t,
                                                const struct image_domain *d, struct span path)
{
    for (size_t i = 0; i < d->n_routes; i++)
        if (regex_matches(d->routes[i].path, t->scratch, path))
            return &d->routes[i];
    return NULL;
}

/* LABEL: of a host that names the service itself, empty for a domain's host. */
static void choose_service(const struct route_table *t, struct span label, struct span path,
                           struct route_result *out)
{
    const struct image_domain *d = out->domain;
    CHECK(d || label.len > 0);
    out->route = d ? matching_route(t, d, path) : NULL;
    if (out->route) {
        out->service_source = SERVICE_FROM_ROUTE;
        out->service = span_str(out->route->service);
        return;
    }
    /* A domain of the zone need not be called as its service is ("app" for "web"). */
    bool by_label = label.len > 0 && (!d || is_known_service(t, out->session, label));
    out->service_source = by_label ? SERVICE_FROM_LABEL : SERVICE_FROM_DEFAULT;
    out->service = by_label ? label : span_str(d->default_service);
}

/* --- the backend --- */

static enum route_outcome choose_backend(const struct route_table *t, struct route_result *out)
{
    out->shared = edge_image_service(t->edge, out->service);
    out->override = override_of(out->session, out->service);
    if (out->override && out->override->kind == OVERRIDE_TUNNEL) {
        out->place = PLACE_TUNNEL;
        return ROUTE_TO_TUNNEL;
    }
    if (out->override) {
        out->place = PLACE_SESSION;
        out->backend = &out->override->backend;
        return ROUTE_TO_BACKEND;
    }
    if (!out->shared)
        return ROUTE_UNKNOWN_SERVICE;
    out->place = PLACE_SHARED;
    out->backend = &out->shared->backend;
    return ROUTE_TO_BACKEND;
}

bool route_may_fall_back(const struct route_result *r)
{
    return r->override && r->override->fallback_shared && r->shared;
}

bool route_fall_back(struct route_result *r)
{
    if (!route_may_fall_back(r))
        return false;
    r->outcome = ROUTE_TO_BACKEND;
    r->place = PLACE_SHARED;
    r->backend = &r->shared->backend;
    r->override = NULL;
    r->fell_back = true;
    return true;
}

/* --- all of it --- */

/* A session of the context brings hosts of its own: its domains, and below a zone that is a domain
 * its services. They stand before a session that does not live, but a host that names a live session
 * has been settled before this. */
static void apply_own_hosts(const struct route_query *q, const struct session_entry *s,
                            struct host_match *m)
{
    const struct image_domain *own = session_image_domain(s->image, q->host);
    if (own) {
        *m = (struct host_match){.form = HOST_DOMAIN, .domain = own};
        return;
    }
    if (m->form == HOST_SESSION_DOMAIN && override_of(s, m->service))
        *m = (struct host_match){.form = HOST_SERVICE, .service = m->service};
}

static void find_session(const struct route_table *t, const struct route_query *q,
                         struct host_match *m, struct route_result *out)
{
    enum session_source source;
    if (m->session) {
        set_session(out, m->session, SESSION_FROM_HOST);
        return;
    }
    struct session_entry *s = session_of_context(t, q->context, &source);
    if (s)
        apply_own_hosts(q, s, m);
    if (s && m->session_name.len == 0) {
        set_session(out, s, source);
        return;
    }
    out->session_name = m->session_name;
    if (m->session_name.len > 0)
        out->session_source = SESSION_FROM_HOST;
}

static enum route_outcome decide(const struct route_table *t, const struct route_query *q,
                                 struct route_result *out)
{
    struct host_match m;
    host_match(t, q->host, &m);
    if (m.form == HOST_EDGE)
        return ROUTE_TO_EDGE;

    find_session(t, q, &m, out);
    if (m.form == HOST_UNKNOWN)
        return ROUTE_UNKNOWN_HOST;
    out->domain = m.domain;
    out->service = m.service;
    if (m.session_name.len > 0 && !m.session)
        return ROUTE_UNKNOWN_SESSION;
    if (!out->session && t->edge->config->require_session)
        return ROUTE_SESSION_REQUIRED;
    choose_service(t, m.service, q->path, out);
    return choose_backend(t, out);
}

void route(const struct route_table *t, const struct route_query *q, struct route_result *out)
{
    *out = (struct route_result){.session_source = SESSION_NONE};
    out->outcome = decide(t, q, out);
}

static bool is_passthrough_label(const struct route_table *t, struct span service)
{
    const struct image_service *shared = edge_image_service(t->edge, service);
    return shared && shared->passthrough;
}

enum route_passthrough route_passthrough(const struct route_table *t, struct span host,
                                         struct route_result *out)
{
    const struct route_query q = {.host = host, .path = SPAN_LIT("/")};
    route(t, &q, out);
    if (out->domain && out->domain->n_routes > 0)
        return PASSTHROUGH_NOT;
    if (out->outcome == ROUTE_UNKNOWN_SESSION) {
        struct span service = out->domain ? span_str(out->domain->default_service) : out->service;
        return is_passthrough_label(t, service) ? PASSTHROUGH_UNKNOWN : PASSTHROUGH_NOT;
    }
    bool passes = out->outcome == ROUTE_TO_BACKEND && out->shared && out->shared->passthrough &&
                  out->backend->to.scheme == BACKEND_HTTPS;
    return passes ? PASSTHROUGH : PASSTHROUGH_NOT;
}

bool route_same_session(const struct route_table *t, const struct route_result *r,
                        struct span other_host)
{
    return r->session && session_of_host(t, other_host) == r->session;
}
