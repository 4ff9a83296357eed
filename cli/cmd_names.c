/* names: what completion offers. It is quick, asks no edge, and is silent where there is nothing. */

#include <string.h>

#include "cli/book.h"
#include "cli/edge.h"
#include "cli/project_find.h"

static enum exit_code print_services(struct cli *c)
{
    struct config_errors errors = {0};
    struct project *p = NULL;
    const char *file = project_file(c);
    if (!file)
        return EXIT_DONE;
    enum err e = project_load(file, &p, &errors);
    for (size_t i = 0; e == ERR_OK && i < p->n_services; i++)
        fprintf(c->out.file, "%s\n", p->services[i].name);
    config_errors_deinit(&errors);
    project_free(p);
    return EXIT_DONE;
}

static enum exit_code print_sessions(struct cli *c)
{
    struct book b;
    size_t i;
    json_t *e;
    enum exit_code code = book_read(c, &b);
    if (code != EXIT_DONE)
        return code;
    json_array_foreach(b.entries, i, e)
        fprintf(c->out.file, "%s\n", text_clean(&c->arena, json_text(e, "session")));
    return EXIT_DONE;
}

enum exit_code cmd_names(struct cli *c)
{
    const char *what = c->args.operands[0];
    if (strcmp(what, "services") == 0)
        return print_services(c);
    if (strcmp(what, "sessions") == 0)
        return print_sessions(c);
    cli_complain(c, "names of what? services or sessions");
    return EXIT_USAGE;
}
