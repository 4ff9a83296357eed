#include "config/check.h"
#include "config/names.h"
#include "config/suggest.h"

/* "<session>." before the domain: 40 + 1 of the 253 bytes of a name. */
#define DOMAIN_MAX 212

static void on_duplicate(void *arg, const struct named *first, const struct named *again)
{
    struct load *l = arg;
    load_fail_at(l, load_at(l, "domains[%zu].domain", again->index),
                 "the domain \"" SPAN_FMT "\" is there already, as domains[%zu]",
                 SPAN_ARG(first->name), first->index);
}

static void check_duplicates(struct load *l, const struct config_domain *domains, size_t n)
{
    struct name_index names;
    name_index_init(&names, l->scratch, n);
    for (size_t i = 0; i < n; i++)
        name_index_add(&names, domains[i].domain, i);
    name_index_sort(&names);
    name_index_duplicates(&names, on_duplicate, l);
}

static void check_service_exists(struct load *l, const struct name_index *services,
                                 const char *name, const char *at)
{
    struct suggest suggest;
    char near[SUGGEST_TEXT_MAX];
    if (!name || name_index_find(services, span_str(name)))
        return;
    suggest_init(&suggest, span_str(name));
    for (size_t i = 0; i < services->n && i < 1000; i++)
        suggest_offer(&suggest, services->v[i].name);
    load_fail_at(l, at, "there is no service \"%s\"%s", name, suggest_text(&suggest, near));
}

static void check_name(struct load *l, const struct config_domain *d, const char *at)
{
    const char *zone = l->config ? l->config->zone : NULL;
    struct span prefix = {NULL, 0};
    if (!d->domain)
        return;
    if (strlen(d->domain) > DOMAIN_MAX)
        load_fail_at(l, at, "must not be longer than %d bytes: names below it would not fit",
                     DOMAIN_MAX);
    if (!zone || !name_below(span_str(d->domain), span_str(zone), &prefix))
        return;
    if (span_eq(prefix, SPAN_LIT("edge")) || span_ends(prefix, SPAN_LIT(".edge")))
        load_fail_at(l, at, "\"%s\" is a host of the edge itself", d->domain);
}

void check_routes(struct load *l, const struct config_domain *domains, size_t n,
                  const struct name_index *services)
{
    check_duplicates(l, domains, n);
    for (size_t i = 0; i < n; i++) {
        const struct config_domain *d = &domains[i];
        check_name(l, d, load_at(l, "domains[%zu].domain", i));
        check_service_exists(l, services, d->default_service,
                             load_at(l, "domains[%zu].default_service", i));
        for (size_t j = 0; j < d->n_routes; j++)
            check_service_exists(l, services, d->routes[j].service,
                                 load_at(l, "domains[%zu].routes[%zu].service", i, j));
    }
}

void check_domains(struct load *l)
{
    const struct config *c = l->config;
    struct name_index services;
    name_index_init(&services, l->scratch, c->n_services);
    for (size_t i = 0; i < c->n_services; i++)
        name_index_add(&services, c->services[i].name, i);
    name_index_sort(&services);
    check_routes(l, c->domains, c->n_domains, &services);
}
