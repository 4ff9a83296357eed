#include "config/project.h"

#include "config/check.h"
#include "config/describe.h"
#include "config/errors.h"
#include "config/load.h"
#include "config/project_schema.h"
#include "core/mem.h"

#define PROJECT_CEILING ((size_t)256 << 20)

struct project_owned {
    struct project_read read;
    struct arena arena;
};

static struct project_owned *owner_of(struct project *p)
{
    return CONTAINER_OF(p, struct project_owned, read.project);
}

void project_free(struct project *p)
{
    if (!p)
        return;
    struct project_owned *o = owner_of(p);
    arena_deinit(&o->arena);
    mem_free(o);
}

static void check_services_of(struct load *l, const struct project *p)
{
    struct name_index names;
    name_index_init(&names, l->scratch, p->n_services);
    for (size_t i = 0; i < p->n_services; i++)
        name_index_add(&names, p->services[i].name, i);
    name_index_sort(&names);
    check_service_names(l, &names);
    for (size_t i = 0; i < p->n_services; i++)
        check_rewrites(l, load_at(l, "services[%zu]", i), p->services[i].rewrites,
                       p->services[i].n_rewrites);
    check_routes(l, p->domains, p->n_domains, &names);
}

/* Whether the file gives a key of the map "linkup", be it right or wrong. */
static bool has(const struct load *l, const char *path)
{
    return yaml_tree_at(l->root, path) != yaml_tree_at(l->root, "linkup");
}

/* The edge has two names: ours, and the one that Linkup's own files have. */
static void check_edge(struct load *l, struct project_read *r)
{
    bool given = has(l, "linkup.edge_url") || has(l, "linkup.worker_url");
    if (!given && yaml_tree_at(l->root, "linkup") != l->root)
        load_fail_at(l, "linkup.edge_url", "is required (Linkup's own worker_url will do)");
    else if (r->edge_url && r->worker_url)
        load_fail_at(l, "linkup.worker_url", "says the same as edge_url: leave one of them out");
    if (r->token && r->worker_token)
        load_fail_at(l, "linkup.worker_token", "says the same as token: leave one of them out");
    r->project.edge_url = r->edge_url ? r->edge_url : r->worker_url;
    r->project.token = r->token ? r->token : r->worker_token;
}

static void check_project(struct load *l)
{
    struct project_read *r = l->target;
    check_edge(l, r);
    check_services_of(l, &r->project);
}

static void name_file(struct load *l, struct project *p)
{
    p->file = load_absolute(
        l, span_from(span_str(l->file), (size_t)(span_rchr(span_str(l->file), '/') + 1)));
    p->folder = load_absolute(l, SPAN_LIT(""));
}

enum err project_parse(const char *file, struct span yaml, struct project **out,
                       struct config_errors *errors)
{
    struct project_owned *o = NEW(struct project_owned);
    *errors = (struct config_errors){NULL, 0};
    *out = NULL;
    arena_init(&o->arena, NULL, 0, PROJECT_CEILING);
    struct load load = {
        .file = file,
        .arena = &o->arena,
        .schema = &project_schema,
        .target = &o->read,
        .errors = errors,
    };
    enum err err = load_text(&load, yaml, check_project);
    if (err != ERR_OK) {
        errors_sort(errors);
        project_free(&o->read.project);
        return err;
    }
    name_file(&load, &o->read.project);
    *out = &o->read.project;
    return ERR_OK;
}

enum err project_load(const char *file, struct project **out, struct config_errors *errors)
{
    char *text = NULL;
    size_t len = 0;
    *errors = (struct config_errors){NULL, 0};
    *out = NULL;

    enum err err = load_file(file, &text, &len, errors);
    if (err != ERR_OK)
        return err;
    err = project_parse(file, span_of(text, len), out, errors);
    load_forget(text, len);
    return err;
}

const struct project_service *project_find(const struct project *p, struct span name)
{
    for (size_t i = 0; i < p->n_services; i++)
        if (span_eq(span_str(p->services[i].name), name))
            return &p->services[i];
    return NULL;
}

enum err project_describe(struct buf *out)
{
    return describe_schema(&project_schema, out);
}
