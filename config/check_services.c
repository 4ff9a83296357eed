#include "config/check.h"
#include "config/names.h"
#include "config/regex.h"

static void on_duplicate(void *arg, const struct named *first, const struct named *again)
{
    struct load *l = arg;
    load_fail_at(l, load_at(l, "services[%zu].name", again->index),
                 "the service \"" SPAN_FMT "\" is there already, as services[%zu]",
                 SPAN_ARG(first->name), first->index);
}

void check_service_names(struct load *l, const struct name_index *names)
{
    name_index_duplicates(names, on_duplicate, l);
}

static void check_duplicates(struct load *l)
{
    const struct config *c = l->config;
    struct name_index names;
    name_index_init(&names, l->scratch, c->n_services);
    for (size_t i = 0; i < c->n_services; i++)
        name_index_add(&names, c->services[i].name, i);
    name_index_sort(&names);
    check_service_names(l, &names);
}

/* Hosts that are the edge's own would never lead to the service. */
static bool is_edge_host(const struct config *c, struct span name)
{
    struct span prefix;
    if (span_eq(name, SPAN_LIT("edge")))
        return true;
    for (size_t i = 0; c->zone && i < c->nameservers.n; i++) {
        struct span host = span_str(c->nameservers.v[i]);
        if (name_below(host, span_str(c->zone), &prefix) && span_eq(prefix, name))
            return true;
    }
    return false;
}

static void check_tls(struct load *l, const struct config_service *s, size_t i)
{
    const struct config_backend *b = &s->backend;
    bool changed = b->tls_ca || b->tls_server_name || !b->tls_verify;
    if (b->url && changed && b->scheme != BACKEND_HTTPS)
        load_fail_at(l, load_at(l, "services[%zu].tls", i), "is for https:// backends only");
    if (b->url && b->tls_ca && !b->tls_verify)
        load_fail_at(l, load_at(l, "services[%zu].tls.ca", i), "has no use with verify: false");
}

/* "$3" needs a third group, and what is not "$1" to "$9" is taken as it stands. */
static void check_target(struct load *l, const char *at, const struct config_rewrite *r)
{
    char why[REGEX_WHY_MAX];
    uint32_t groups = 0;
    if (!r->source || !r->target || regex_check(span_str(r->source), &groups, why) != ERR_OK)
        return;
    for (const char *p = r->target; *p; p++) {
        if (*p == '?' || *p == '#' || *p == ' ') {
            load_fail_at(l, at, "is a path and must not hold '%c'", *p);
            return;
        }
        if (*p == '$' && p[1] >= '0' && p[1] <= '9' && (uint32_t)(p[1] - '0') > groups) {
            load_fail_at(l, at, "uses $%c, but the source has %u group%s", p[1], groups,
                         groups == 1 ? "" : "s");
            return;
        }
    }
}

void check_rewrites(struct load *l, const char *owner, const struct config_rewrite *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_target(l, load_at(l, "%s.rewrites[%zu].target", owner, i), &v[i]);
}

/* The bytes go through as they are: what is about HTTP or about the edge's own TLS has no use. */
static void check_passthrough(struct load *l, const struct config_service *s, size_t i)
{
    const struct config_backend *b = &s->backend;
    if (!s->passthrough || !b->url)
        return;
    if (b->scheme != BACKEND_HTTPS)
        load_fail_at(l, load_at(l, "services[%zu].passthrough", i), "needs an https:// url");
    if (b->base_path[0] != '\0')
        load_fail_at(l, load_at(l, "services[%zu].url", i),
                     "must not have a path where TLS is passed through");
    if (s->n_rewrites > 0)
        load_fail_at(l, load_at(l, "services[%zu].rewrites", i),
                     "have no use where TLS is passed through");
}

void check_services(struct load *l)
{
    const struct config *c = l->config;
    check_duplicates(l);
    for (size_t i = 0; i < c->n_services; i++) {
        const struct config_service *s = &c->services[i];
        if (s->name && is_edge_host(c, span_str(s->name)))
            load_fail_at(l, load_at(l, "services[%zu].name", i),
                         "\"%s\" is the name of a host of the edge itself", s->name);
        check_tls(l, s, i);
        check_passthrough(l, s, i);
        check_rewrites(l, load_at(l, "services[%zu]", i), s->rewrites, s->n_rewrites);
    }
}
