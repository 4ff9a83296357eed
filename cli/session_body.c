#include "cli/session_body.h"

static json_t *rewrites_of(const struct project_service *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_rewrites; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "source", s->rewrites[i].source,
                                              "target", s->rewrites[i].target));
    return list;
}

json_t *session_override(const struct project_service *s, bool local)
{
    if (!local && !s->remote.url)
        return NULL;
    json_t *o = local ? json_pack("{s:b}", "tunnel", 1) : json_pack("{s:s}", "url", s->remote.url);
    if (s->n_rewrites > 0)
        json_object_set_new(o, "rewrites", rewrites_of(s));
    return o;
}

static json_t *domain_of(const struct config_domain *d)
{
    json_t *routes = json_array();
    for (size_t i = 0; i < d->n_routes; i++)
        json_array_append_new(routes, json_pack("{s:s, s:s}", "path", d->routes[i].path, "service",
                                                d->routes[i].service));
    json_t *j = json_pack("{s:s, s:o}", "domain", d->domain, "routes", routes);
    if (d->default_service)
        json_object_set_new(j, "default_service", json_string(d->default_service));
    return j;
}

void session_body_domains(json_t *body, const struct project *p)
{
    json_t *domains = json_array(), *routes = json_array();
    for (size_t i = 0; i < p->n_domains; i++)
        json_array_append_new(domains, domain_of(&p->domains[i]));
    for (size_t i = 0; i < p->cache_routes.n; i++)
        json_array_append_new(routes, json_string(p->cache_routes.v[i]));
    json_object_set_new(body, "domains", domains);
    if (json_array_size(routes) > 0)
        json_object_set(body, "cache_routes", routes);
    json_decref(routes);
}

json_t *session_body(const struct project *p, const json_t *local)
{
    json_t *services = json_object(), *url;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)local, name, url)
        json_object_set_new(services, name, json_pack("{s:b}", "tunnel", 1));
    for (size_t i = 0; p && i < p->n_services; i++) {
        const struct project_service *s = &p->services[i];
        json_t *o = session_override(s, json_object_get(local, s->name) != NULL);
        if (o)
            json_object_set_new(services, s->name, o);
    }
    json_t *body = json_pack("{s:o}", "services", services);
    if (p)
        session_body_domains(body, p);
    return body;
}

static enum exit_code put_text(struct cli *c, json_t *body, const char *flag)
{
    const char *text = args_get(&c->args, flag);
    if (!text || json_object_set_new(body, flag, json_string(text)) == 0)
        return EXIT_DONE;
    cli_complain(c, "--%s: what is given is not UTF-8", flag);
    return EXIT_INPUT;
}

enum exit_code session_put_words(struct cli *c, json_t *body)
{
    enum exit_code code = put_text(c, body, "ttl");
    return code == EXIT_DONE ? put_text(c, body, "owner") : code;
}
