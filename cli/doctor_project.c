/* The project file, and whether somebody listens where it says that services run on this machine. */
#include "cli/doctor.h"
#include "cli/probe.h"
#include "cli/project_find.h"

#define FILE_CHECK "file"
#define LOCAL_CHECK "local"

/* --- the file ------------------------------------------------------------------------------------ */

static void find_errors(struct doctor *d, const char *file, const struct config_errors *errors)
{
    struct cli *c = d->cli;
    for (size_t i = 0; i < errors->n; i++) {
        const struct config_error *e = &errors->v[i];
        const char *at = e->line ? cli_text(c, "%s:%u", file, e->line) : file;
        doctor_find(d, FILE_CHECK, ILL,
                    cli_text(c, "%s: %s%s%s", at, e->key, *e->key ? ": " : "", e->text), NULL);
    }
}

/* --- who listens --------------------------------------------------------------------------------- */

static void find_service(struct doctor *d, const struct project_service *s, const struct probe *p)
{
    struct cli *c = d->cli;
    if (p->state == PROBE_UP)
        doctor_find(d, LOCAL_CHECK, WELL, cli_text(c, "%s: %s", s->name, p->url), NULL);
    else /* that a service is not started is no fault of anything */
        doctor_find(d, LOCAL_CHECK, DOUBTFUL, cli_text(c, "%s: %s: %s", s->name, p->url, p->why),
                    cli_text(c, "start %s, or leave it to the shared copy", s->name));
}

static void check_services(struct doctor *d, const struct project *p)
{
    struct cli *c = d->cli;
    struct probe *probes = (struct probe *)arena_must_alloc(&c->arena,
                                                            (p->n_services + 1) * sizeof *probes);
    for (size_t i = 0; i < p->n_services; i++) {
        const char *url = p->services[i].local.url;
        probes[i] = (struct probe){.url = url ? cli_text(c, "%s", url) : NULL,
                                   .connect_only = true};
    }
    probe_all(c, probes, p->n_services);
    for (size_t i = 0; i < p->n_services; i++)
        if (probes[i].url)
            find_service(d, &p->services[i], &probes[i]);
}

void doctor_check_project(struct doctor *d)
{
    struct cli *c = d->cli;
    const char *file = project_file(c);
    struct project *p = NULL;
    struct config_errors errors = {0};
    if (!file) {
        doctor_find(d, FILE_CHECK, UNCHECKED, "no linkup.yaml here or above", NULL);
        return;
    }
    if (project_load(file, &p, &errors) != ERR_OK) {
        find_errors(d, file, &errors);
        config_errors_deinit(&errors);
        return;
    }
    doctor_find(d, FILE_CHECK, WELL, cli_text(c, "%s", file), NULL);
    check_services(d, p);
    project_free(p);
}
