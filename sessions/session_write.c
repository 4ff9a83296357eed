/* A session as JSON. json_t values of known shape are made from valid UTF-8 (JSON came in, or names):
 * what cannot be made is memory that is not there. */
#include <stdlib.h>

#include "core/duration.h"
#include "core/mem.h"
#include "core/timefmt.h"
#include "sessions/session_record.h"

static void set(json_t *object, const char *name, json_t *value)
{
    CHECK(value && json_object_set_new(object, name, value) == 0);
}

static void append(json_t *list, json_t *value)
{
    CHECK(value && json_array_append_new(list, value) == 0);
}

static json_t *rewrites_json(const struct config_rewrite *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        append(list, json_pack("{s:s, s:s}", "source", v[i].source, "target", v[i].target));
    return list;
}

static json_t *tls_json(const struct config_backend *b)
{
    json_t *tls = json_object();
    if (b->tls_server_name)
        set(tls, "server_name", json_string(b->tls_server_name));
    if (!b->tls_verify)
        set(tls, "verify", json_false());
    return tls;
}

static json_t *override_json(const struct session_override *o)
{
    json_t *j = json_object();
    if (o->kind == OVERRIDE_TUNNEL)
        set(j, "tunnel", json_true());
    else
        set(j, "url", json_string(o->backend.url));
    set(j, "host", json_string(o->backend.preserve_host ? "preserve" : "target"));
    if (o->backend.proxy_protocol != PROXY_OUT_OFF)
        set(j, "proxy_protocol",
            json_string(o->backend.proxy_protocol == PROXY_OUT_V1 ? "v1" : "v2"));
    if (o->kind == OVERRIDE_URL && (o->backend.tls_server_name || !o->backend.tls_verify))
        set(j, "tls", tls_json(&o->backend));
    if (o->n_rewrites > 0)
        set(j, "rewrites", rewrites_json(o->rewrites, o->n_rewrites));
    if (o->fallback_shared)
        set(j, "fallback", json_string("shared"));
    return j;
}

static json_t *domain_json(const struct config_domain *d)
{
    json_t *routes = json_array();
    for (size_t i = 0; i < d->n_routes; i++)
        append(routes,
               json_pack("{s:s, s:s}", "path", d->routes[i].path, "service", d->routes[i].service));
    return json_pack("{s:s, s:s, s:o}", "domain", d->domain, "default_service", d->default_service,
                     "routes", routes);
}

static json_t *domains_json(const struct config_domain *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        append(list, domain_json(&v[i]));
    return list;
}

static json_t *strings_json(const struct config_strings *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n; i++)
        append(list, json_string(s->v[i]));
    return list;
}

static void set_routed(json_t *j, const struct session *s)
{
    json_t *services = json_object();
    for (size_t i = 0; i < s->n_overrides; i++)
        set(services, s->overrides[i].service, override_json(&s->overrides[i]));
    set(j, "services", services);
    set(j, "domains", domains_json(s->domains, s->n_domains));
    set(j, "rewrites", rewrites_json(s->rewrites, s->n_rewrites));
    set(j, "cache_routes", strings_json(&s->cache_routes));
}

static int by_domain(const void *a, const void *b)
{
    const struct config_domain *x = a, *y = b;
    return strcmp(x->domain, y->domain);
}

json_t *session_content_json(const struct session *s)
{
    struct config_domain sorted[SESSION_DOMAINS_MAX] = {{0}};
    CHECK(s->n_domains <= SESSION_DOMAINS_MAX);
    if (s->n_domains > 0)
        memcpy(sorted, s->domains, s->n_domains * sizeof *sorted);
    qsort(sorted, s->n_domains, sizeof *sorted, by_domain);

    json_t *j = json_object();
    set_routed(j, s);
    set(j, "domains", domains_json(sorted, s->n_domains));
    return j;
}

json_t *session_body_json(const struct session *s)
{
    char ttl[DURATION_TEXT_MAX];
    json_t *j = json_object();
    set(j, "owner", json_string(s->owner));
    set(j, "ttl", json_string(duration_text(s->ttl_ms, ttl)));
    set(j, "pinned", json_boolean(s->pinned));
    set_routed(j, s);
    return j;
}

json_t *session_to_stored(const struct session *s)
{
    json_t *j = session_body_json(s);
    set(j, "name", json_string(s->name));
    set(j, "owner_token", json_string(s->owner_token));
    set(j, "preview", json_boolean(s->preview));
    set(j, "created_ms", json_integer(s->created_ms));
    set(j, "changed_ms", json_integer(s->changed_ms));
    set(j, "version", json_integer((json_int_t)s->version));
    return j;
}

/* --- for people --- */

static void set_url(json_t *urls, const char *key, const char *label, const struct session *s,
                    const char *below, const struct config *c)
{
    char port[8] = "";
    const char *dot = *label ? "." : "";
    if (c->public_https_port != 443)
        snprintf(port, sizeof port, ":%u", c->public_https_port);
    set(urls, key, json_sprintf("https://%s%s%s.%s%s", label, dot, s->name, below, port));
}

static json_t *service_urls(const struct session *s, const struct config *c)
{
    json_t *urls = json_object();
    for (size_t i = 0; i < s->n_overrides; i++)
        set_url(urls, s->overrides[i].service, s->overrides[i].service, s, c->zone, c);
    for (size_t i = 0; i < c->n_services; i++)
        set_url(urls, c->services[i].name, c->services[i].name, s, c->zone, c);
    return urls;
}

static json_t *domain_urls(const struct session *s, const struct config *c)
{
    json_t *urls = json_object();
    for (size_t i = 0; i < s->n_domains; i++)
        set_url(urls, s->domains[i].domain, "", s, s->domains[i].domain, c);
    for (size_t i = 0; i < c->n_domains; i++)
        set_url(urls, c->domains[i].domain, "", s, c->domains[i].domain, c);
    return urls;
}

json_t *session_to_json(const struct session *s, const struct config *c, int64_t expires_ms)
{
    char created[TIMEFMT_MAX], changed[TIMEFMT_MAX], expires[TIMEFMT_MAX];
    json_t *j = json_object();
    json_t *body = session_body_json(s);
    set(j, "name", json_string(s->name));
    CHECK(json_object_update(j, body) == 0);
    json_decref(body);

    set(j, "preview", json_boolean(s->preview));
    set(j, "version", json_integer((json_int_t)s->version));
    set(j, "created", json_string(timefmt_rfc3339(s->created_ms, created)));
    set(j, "changed", json_string(timefmt_rfc3339(s->changed_ms, changed)));
    set(j, "expires", expires_ms ? json_string(timefmt_rfc3339(expires_ms, expires)) : json_null());
    set(j, "urls", service_urls(s, c));
    set(j, "domain_urls", domain_urls(s, c));
    return j;
}
