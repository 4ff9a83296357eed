#include "cli/here_view.h"

#include <string.h>

#include "cli/edge.h"
#include "cli/grid.h"
#include "cli/probe.h"

/* On this machine alone the zone's edge has the others, and only what it does not have is elsewhere. */
static const char *remote_of(const struct project *p, const json_t *entry, const char *service)
{
    if (entry_is_alone(entry))
        return json_string_value(json_object_get(json_object_get(entry, "elsewhere"), service));
    const struct project_service *s = p ? project_find(p, span_str(service)) : NULL;
    return s ? s->remote.url : NULL;
}

static void add(json_t *list, const struct project *p, const json_t *entry, const char *service)
{
    const char *local = entry_local(entry, service), *remote = remote_of(p, entry, service);
    const char *url = json_text(json_object_get(entry, "urls"), service);
    const char *place = local ? "local" : remote ? "remote" : "shared";
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "service", service, "url", url,
                                          "place", place, "backend",
                                          local    ? local
                                          : remote ? remote
                                                   : ""));
}

static bool has(const json_t *list, const char *service)
{
    size_t i;
    json_t *s;
    json_array_foreach(list, i, s)
    {
        if (strcmp(json_text(s, "service"), service) == 0)
            return true;
    }
    return false;
}

static void add_new(json_t *list, const struct project *p, const json_t *entry, const char *service)
{
    if (!has(list, service))
        add(list, p, entry, service);
}

json_t *here_services(struct cli *c, const struct project *p, const json_t *entry)
{
    json_t *list = cli_keep(c, json_array()), *value;
    const char *service;
    for (size_t i = 0; p && i < p->n_services; i++)
        if (entry_local(entry, p->services[i].name))
            add(list, p, entry, p->services[i].name);
    json_object_foreach(json_object_get(entry, "local"), service, value)
        add_new(list, p, entry, service);
    for (size_t i = 0; p && i < p->n_services; i++)
        add_new(list, p, entry, p->services[i].name);
    json_object_foreach(json_object_get(entry, "urls"), service, value)
        add_new(list, p, entry, service);
    return list;
}

/* --- health --------------------------------------------------------------------------------------- */

static struct probe probe_of(const struct project *p, const json_t *service, bool connect_only)
{
    const char *backend = json_text(service, "backend");
    bool local = strcmp(json_text(service, "place"), "local") == 0;
    const struct project_service *known = p ? project_find(p,
                                                           span_str(json_text(service, "service")))
                                            : NULL;
    return (struct probe){
        .url = *backend && (local || !connect_only) ? backend : NULL,
        .health = known ? &known->health : NULL,
        .connect_only = connect_only,
    };
}

static void note(json_t *service, const struct probe *p)
{
    static const char *const words[] = {
        [PROBE_NONE] = "", [PROBE_UP] = "up", [PROBE_DOWN] = "down"};
    json_object_set_new(service, "health", json_string(words[p->state]));
    json_object_set_new(service, "why", json_string(p->why));
}

void here_probe(struct cli *c, const struct here_set *v, size_t n, bool connect_only)
{
    size_t total = 0, at = 0, i, k;
    json_t *s;
    for (i = 0; i < n; i++)
        total += json_array_size(v[i].services);
    struct probe *probes = (struct probe *)arena_must_alloc(&c->arena,
                                                            (total + 1) * sizeof *probes);
    for (i = 0; i < n; i++)
        json_array_foreach(v[i].services, k, s)
            probes[at++] = probe_of(v[i].project, s, connect_only);
    probe_all(c, probes, total);
    for (at = 0, i = 0; i < n; i++)
        json_array_foreach(v[i].services, k, s) note(s, &probes[at++]);
}

void here_warn(struct cli *c, const struct project *p, const json_t *services)
{
    size_t i;
    json_t *s;
    const struct here_set set = {p, cli_keep(c, json_deep_copy(services))};
    here_probe(c, &set, 1, true);
    json_array_foreach(set.services, i, s)
    {
        if (strcmp(json_text(s, "health"), "down") == 0)
            cli_complain(c, "warning: %s does not answer at %s (%s): start it, and its URL works",
                         json_text(s, "service"), json_text(s, "backend"), json_text(s, "why"));
    }
}

/* --- printing ------------------------------------------------------------------------------------- */

static void print_table(struct cli *c, const json_t *entry, const json_t *services)
{
    static const struct grid_column columns[] = {
        {"SERVICE", false}, {"URL", false}, {"PLACE", false}, {"BACKEND", true}};
    struct grid g;
    size_t i;
    json_t *s, *url;
    const char *domain;
    grid_init(&g, &c->arena, columns, 4);
    json_array_foreach(services, i, s)
        grid_add(&g, (const char *const[]){json_text(s, "service"), json_text(s, "url"),
                                           json_text(s, "place"), json_text(s, "backend")});
    json_object_foreach(json_object_get(entry, "domain_urls"), domain, url)
        grid_add(&g, (const char *const[]){domain, json_string_value(url), "domain", ""});
    grid_print(&g, &c->out);
}

void here_print_urls(struct cli *c, const json_t *entry, const json_t *services)
{
    size_t i;
    json_t *s, *url;
    const char *domain;
    if (c->out.tty) {
        print_table(c, entry, services);
        return;
    }
    json_array_foreach(services, i, s)
    {
        if (*json_text(s, "url"))
            fprintf(c->out.file, "%s\n", text_clean(&c->arena, json_text(s, "url")));
    }
    json_object_foreach(json_object_get(entry, "domain_urls"), domain, url)
        fprintf(c->out.file, "%s\n", text_clean(&c->arena, json_string_value(url)));
}

json_t *here_json(const json_t *entry, json_t *services)
{
    json_t *j = json_pack("{s:s, s:s, s:s, s:O, s:O}", "session", json_text(entry, "session"),
                          "edge", json_text(entry, "edge"), "project", json_text(entry, "project"),
                          "services", services, "domain_urls",
                          json_object_get(entry, "domain_urls"));
    CHECK(j);
    return j;
}
