#include "cli/local_config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/edge.h"
#include "config/names.h"

/* A name that has gone elsewhere must be forgotten soon. */
#define DNS_TTL_S 5

/* --- the project's parts ------------------------------------------------------------------------- */

static json_t *strings_of(const struct config_strings *v)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(list, json_string(v->v[i]));
    return list;
}

static json_t *rewrites_of(const struct project_service *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_rewrites; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "source", s->rewrites[i].source,
                                              "target", s->rewrites[i].target));
    return list;
}

static json_t *domain_of(const struct config_domain *d)
{
    json_t *routes = json_array();
    for (size_t i = 0; i < d->n_routes; i++)
        json_array_append_new(routes, json_pack("{s:s, s:s}", "path", d->routes[i].path, "service",
                                                d->routes[i].service));
    return json_pack("{s:s, s:s, s:o}", "domain", d->domain, "default_service", d->default_service,
                     "routes", routes);
}

static json_t *domains_of(const struct project *project, const char *zone)
{
    json_t *list = json_array();
    for (size_t i = 0; i < project->n_domains; i++)
        if (name_below(span_str(project->domains[i].domain), span_str(zone), NULL))
            json_array_append_new(list, domain_of(&project->domains[i]));
    return list;
}

static json_t *service_part(const struct project_service *s)
{
    json_t *part = json_pack("{s:s}", "name", s->name);
    if (s->remote.url)
        json_object_set_new(part, "remote", json_string(s->remote.url));
    return part;
}

json_t *local_part(struct cli *c, const struct project *project, const char *zone)
{
    json_t *services = json_array();
    for (size_t i = 0; i < project->n_services; i++)
        json_array_append_new(services, service_part(&project->services[i]));
    return cli_keep(c, json_pack("{s:s, s:o, s:o}", "file", project->file, "services", services,
                                 "domains", domains_of(project, zone)));
}

static bool has_string(const json_t *list, const char *s)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v) if (strcmp(json_string_value(v), s) == 0) return true;
    return false;
}

/* Whether a service is where the project says, for the zone's edge does not have it. */
static bool is_elsewhere(const json_t *known, const char *name, const char *remote)
{
    return known && !has_string(known, name) && remote && *remote;
}

/* --- the session --------------------------------------------------------------------------------- */

static const char *override_url(const struct project_service *s, const char *local,
                                const json_t *known)
{
    if (local)
        return local;
    return is_elsewhere(known, s->name, s->remote.url) ? s->remote.url : NULL;
}

json_t *local_session_body(struct cli *c, const struct project *project, const char *zone,
                           const char *const *local, const json_t *known)
{
    json_t *services = json_object();
    for (size_t i = 0; i < project->n_services; i++) {
        const struct project_service *s = &project->services[i];
        const char *url = override_url(s, local[i], known);
        if (url)
            json_object_set_new(services, s->name,
                                json_pack("{s:s, s:o}", "url", url, "rewrites", rewrites_of(s)));
    }
    return cli_keep(c, json_pack("{s:o, s:o, s:o, s:b}", "services", services, "domains",
                                 domains_of(project, zone), "cache_routes",
                                 strings_of(&project->cache_routes), "pinned", 1));
}

/* --- linkupd's configuration --------------------------------------------------------------------- */

/* Those of the zone's edge, reached as everybody reaches them: its sessions, certificates and routes are its
 * own affair, and the context of a session that lives only here counts for nothing there. */
static json_t *beyond_service(struct cli *c, const struct local_place *p,
                              const struct local_beyond *beyond, const char *name)
{
    const char *url = beyond->port == 443
                          ? cli_text(c, "https://%s.%s", name, p->zone)
                          : cli_text(c, "https://%s.%s:%u", name, p->zone, (unsigned)beyond->port);
    json_t *s = json_pack("{s:s, s:s}", "name", name, "url", url);
    if (beyond->connect)
        json_object_set_new(s, "connect", json_string(beyond->connect));
    if (beyond->own_ca)
        json_object_set_new(s, "tls", json_pack("{s:s}", "ca", p->ca));
    return s;
}

static void add_once(json_t *by_key, const char *key, json_t *value)
{
    if (json_object_get(by_key, key))
        json_decref(value);
    else
        json_object_set_new(by_key, key, value);
}

static json_t *values_of(json_t *by_key)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach(by_key, key, value) json_array_append(list, value);
    json_decref(by_key);
    return list;
}

static json_t *services_for(struct cli *c, const struct local_place *p,
                            const struct local_beyond *beyond, const json_t *parts,
                            const json_t *known)
{
    json_t *by_name = json_object(), *part, *s;
    size_t i, j;
    json_array_foreach(known, i, s)
        add_once(by_name, json_string_value(s), beyond_service(c, p, beyond, json_string_value(s)));
    json_array_foreach(parts, i, part) json_array_foreach(json_object_get(part, "services"), j, s)
    {
        const char *name = json_text(s, "name"), *remote = json_text(s, "remote");
        add_once(by_name, name,
                 is_elsewhere(known, name, remote)
                     ? json_pack("{s:s, s:s}", "name", name, "url", remote)
                     : beyond_service(c, p, beyond, name));
    }
    return values_of(by_name);
}

static json_t *domains_for(const json_t *parts)
{
    json_t *by_name = json_object(), *part, *d;
    size_t i, j;
    json_array_foreach(parts, i, part) json_array_foreach(json_object_get(part, "domains"), j, d)
        add_once(by_name, json_text(d, "domain"), json_incref(d));
    return values_of(by_name);
}

static json_t *listen_at(uint16_t port)
{
    return port ? json_pack("[o]", json_sprintf("127.0.0.1:%u", (unsigned)port)) : json_array();
}

/* As a configuration has it: "${" would be a variable. */
static const char *config_text(struct cli *c, const char *json)
{
    static const char head[] =
        "# Made by `linkup start --local`, and made anew by each: not to be edited.\n";
    size_t len = strlen(json);
    char *text = (char *)arena_must_alloc(&c->arena, sizeof head + 2 * len + 1);
    char *to = stpcpy(text, head);
    for (const char *p = json; *p; p++) {
        if (p[0] == '$' && p[1] == '{')
            *to++ = '$';
        *to++ = *p;
    }
    memcpy(to, "\n", 2);
    return text;
}

const char *local_config_text(struct cli *c, const struct local_place *p,
                              const struct local_beyond *beyond, const json_t *parts,
                              const json_t *known)
{
    json_t *config = cli_keep(
        c, json_pack("{s:s, s:[s], s:s, s:i, s:{s:o, s:o, s:o, s:[]}, s:i, s:s, s:o, s:o,"
                     " s:{s:i, s:b}, s:{s:s, s:s, s:s}, s:s}",
                     "zone", p->zone, "addresses", "127.0.0.1", "state", p->state, "workers", 2,
                     "listen", "dns", listen_at(p->dns), "https", listen_at(p->https), "http",
                     listen_at(p->http), "metrics", "public_port", (int)p->https, "admin_socket",
                     p->socket, "services", services_for(c, p, beyond, parts, known), "domains",
                     domains_for(parts), "dns", "ttl", DNS_TTL_S, "only_sessions", 1, "log",
                     "level", "info", "access", "off", "format", "text", "drain", "2s"));
    CHECK(config);
    char *json = json_dumps(config, JSON_INDENT(2));
    CHECK(json);
    const char *text = config_text(c, json);
    free(json);
    return text;
}
