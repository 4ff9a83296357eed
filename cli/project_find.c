#include "cli/project_find.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ERRORS_MAX ((size_t)1 << 20)

static bool is_file_in(const char *folder, const char *name, char path[PROJECT_PATH_MAX])
{
    int len = snprintf(path, PROJECT_PATH_MAX, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder,
                       name);
    return len > 0 && len < PROJECT_PATH_MAX && access(path, F_OK) == 0;
}

bool project_look(const char *folder, char path[PROJECT_PATH_MAX])
{
    char at[PROJECT_PATH_MAX];
    if (span_copy_z(span_str(folder), at, sizeof at) != ERR_OK || at[0] != '/')
        return false;
    for (;;) {
        if (is_file_in(at, "linkup.yaml", path) || is_file_in(at, "linkup.yml", path))
            return true;
        char *slash = strrchr(at, '/');
        if (slash == at && at[1] == '\0')
            return false;
        slash[slash == at] = '\0';
    }
}

static enum exit_code tell(struct cli *c, const char *file, const struct config_errors *errors)
{
    struct buf text;
    struct span rest, line;
    buf_init(&text, ERRORS_MAX);
    enum err e = config_errors_write(errors, file, &text);
    if (e != ERR_OK)
        cli_complain(c, "%s: %s", file, err_text(e));
    rest = buf_span(&text);
    while (span_split(&rest, '\n', &line))
        if (line.len > 0)
            cli_complain(c, SPAN_FMT, SPAN_ARG(line));
    buf_deinit(&text);
    cli_advise(c, "its keys: linkup help --project");
    return EXIT_INPUT;
}

enum exit_code project_use(struct cli *c, const char *file)
{
    struct config_errors errors;
    struct project *p;
    enum err e = project_load(file, &p, &errors);
    enum exit_code code = e == ERR_OK ? EXIT_DONE : tell(c, file, &errors);
    config_errors_deinit(&errors);
    if (code != EXIT_DONE)
        return code;
    project_free(c->project);
    c->project = p;
    c->hint = (struct settings_hint){p->edge_url, p->token};
    return EXIT_DONE;
}

const char *project_file(struct cli *c)
{
    char folder[PROJECT_PATH_MAX], path[PROJECT_PATH_MAX], full[PATH_MAX];
    const char *file = args_get(&c->args, "config");
    if (!file && (!getcwd(folder, sizeof folder) || !project_look(folder, path)))
        return NULL;
    file = file ? file : path;
    return cli_text(c, "%s", realpath(file, full) ? full : file);
}

enum exit_code project_missing(struct cli *c)
{
    cli_complain(c, "there is no linkup.yaml in this folder or above it");
    cli_advise(c, "name one:            linkup %s -c FILE", c->args.command->name);
    cli_advise(c, "or do without:       linkup http PORT --service SERVICE");
    cli_advise(c, "what is to be in it: linkup help --project");
    return EXIT_INPUT;
}
