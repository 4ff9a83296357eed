/* The domains of a body, and where they may lie. */
#include <stdio.h>

#include "config/names.h"
#include "sessions/session_record.h"

/* "<session>." before the domain must fit into a name. */
#define DOMAIN_MAX 212

static enum err read_service_name(struct reader *r, json_t *v, const char *at, void *out)
{
    const char **name = (const char **)out;
    TRY(read_text(r, v, at, 1, 63, name));
    if (!name_is_service(span_str(*name)))
        return read_fail(r, at, "is not a service's name: a-z, 0-9 and inner '-', without '--'");
    return ERR_OK;
}

static enum err read_route(struct reader *r, json_t *v, const char *at, void *out)
{
    static const struct member members[] = {
        {"path", read_regex, offsetof(struct config_route, path), true},
        {"service", read_service_name, offsetof(struct config_route, service), true},
    };
    return read_object(r, v, at, members, 2, out);
}

static enum err read_routes(struct reader *r, json_t *v, const char *at, void *out)
{
    struct config_domain *d = (struct config_domain *)out;
    return read_list(r, v, at, SESSION_ROUTES_MAX, sizeof *d->routes, read_route, &d->routes,
                     &d->n_routes);
}

static enum err read_host_name(struct reader *r, json_t *v, const char *at, void *out)
{
    const char **name = (const char **)out;
    TRY(read_text(r, v, at, 1, DOMAIN_MAX, name));
    if (!name_is_host(span_str(*name)))
        return read_fail(r, at, "must be a host name in lower case, without a final dot");
    return ERR_OK;
}

static enum err read_domain(struct reader *r, json_t *v, const char *at, void *out)
{
    static const struct member members[] = {
        {"domain", read_host_name, offsetof(struct config_domain, domain), true},
        {"default_service", read_service_name, offsetof(struct config_domain, default_service),
         true},
        {"routes", read_routes, 0, false},
    };
    return read_object(r, v, at, members, 3, out);
}

enum err read_domains(struct reader *r, json_t *v, const char *at, void *out)
{
    struct session *s = (struct session *)out;
    return read_list(r, v, at, SESSION_DOMAINS_MAX, sizeof *s->domains, read_domain, &s->domains,
                     &s->n_domains);
}

/* --- checks --- */

static bool has_override(const struct session *s, struct span service)
{
    for (size_t i = 0; i < s->n_overrides; i++)
        if (span_eq(span_str(s->overrides[i].service), service))
            return true;
    return false;
}

static bool service_exists(const struct reader *r, struct span service)
{
    for (size_t i = 0; i < r->config->n_services; i++)
        if (span_eq(span_str(r->config->services[i].name), service))
            return true;
    return has_override(r->s, service);
}

static bool is_edge_domain(const struct config *c, struct span domain)
{
    for (size_t i = 0; i < c->n_domains; i++)
        if (span_eq(span_str(c->domains[i].domain), domain))
            return true;
    return false;
}

/* Below the zone most names are other sessions' hosts. A session may take those that every session
 * shares: the zone, the edge's domains, <service>.<zone>. */
static enum err check_place(struct reader *r, const char *domain, const char *at)
{
    struct span prefix, zone = span_str(r->config->zone);
    if (!name_below(span_str(domain), zone, &prefix) || prefix.len == 0)
        return ERR_OK;
    if (is_edge_domain(r->config, span_str(domain)) || service_exists(r, prefix))
        return ERR_OK;
    return read_fail(r, at,
                     "must be outside of the zone, or the zone, a domain of the edge, or a "
                     "service's name below the zone");
}

static enum err check_unique(struct reader *r, size_t i)
{
    char at[READ_PATH_MAX];
    const struct config_domain *v = r->s->domains;
    for (size_t k = 0; k < i; k++) {
        if (strcmp(v[k].domain, v[i].domain) != 0)
            continue;
        snprintf(at, sizeof at, "domains[%zu].domain", i);
        return read_fail(r, at, "is there already, as domains[%zu]", k);
    }
    return ERR_OK;
}

static enum err check_service(struct reader *r, const char *service, const char *at)
{
    if (service_exists(r, span_str(service)))
        return ERR_OK;
    return read_fail(r, at, "there is no service \"%s\", neither of the edge nor of this session",
                     service);
}

enum err read_check_domains(struct reader *r)
{
    char at[READ_PATH_MAX];
    for (size_t i = 0; i < r->s->n_domains; i++) {
        const struct config_domain *d = &r->s->domains[i];
        TRY(check_unique(r, i));
        snprintf(at, sizeof at, "domains[%zu].domain", i);
        TRY(check_place(r, d->domain, at));
        snprintf(at, sizeof at, "domains[%zu].default_service", i);
        TRY(check_service(r, d->default_service, at));
        for (size_t j = 0; j < d->n_routes; j++) {
            snprintf(at, sizeof at, "domains[%zu].routes[%zu].service", i, j);
            TRY(check_service(r, d->routes[j].service, at));
        }
    }
    return ERR_OK;
}
