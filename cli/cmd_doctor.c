/* doctor */

#include "cli/doctor.h"

#include <string.h>

#include "cli/grid.h"

void doctor_init(struct doctor *d, struct cli *c)
{
    *d = (struct doctor){.cli = c};
    d->end = &d->first;
}

void doctor_find(struct doctor *d, const char *what, enum verdict v, const char *text,
                 const char *advice)
{
    struct finding *f = (struct finding *)arena_must_alloc(&d->cli->arena, sizeof *f);
    *f = (struct finding){
        .group = d->group, .what = what, .verdict = v, .text = text, .advice = advice};
    *d->end = f;
    d->end = &f->next;
}

static const char *word(enum verdict v)
{
    static const char *const words[] = {
        [WELL] = "ok", [DOUBTFUL] = "doubtful", [ILL] = "wrong", [UNCHECKED] = "-"};
    return words[v];
}

static void print_json(struct cli *c, const struct doctor *d, bool ill)
{
    json_t *checks = json_array();
    for (const struct finding *f = d->first; f; f = f->next)
        json_array_append_new(
            checks, json_pack("{s:s, s:s, s:s, s:s, s:s?}", "group", f->group, "check", f->what,
                              "verdict", f->verdict == UNCHECKED ? "unchecked" : word(f->verdict),
                              "text", f->text, "advice", f->advice));
    cli_print_json(c, cli_keep(c, json_pack("{s:b, s:o}", "well", !ill, "checks", checks)));
}

static const char *tint(const struct term *t, const char *verdict)
{
    if (strcmp(verdict, word(WELL)) == 0)
        return term_green(t);
    if (strcmp(verdict, word(ILL)) == 0)
        return term_red(t);
    return strcmp(verdict, word(DOUBTFUL)) == 0 ? term_bold(t) : term_dim(t);
}

static void print_grid(struct cli *c, const struct doctor *d)
{
    static const struct grid_column columns[] = {{"CHECK", false}, {"", false}, {"FOUND", false}};
    struct grid g;
    const char *group = "";
    grid_init(&g, &c->arena, columns, 3);
    g.tint = tint;
    g.tinted = 1;
    for (const struct finding *f = d->first; f; f = f->next) {
        if (strcmp(f->group, group) != 0)
            grid_head(&g, f->group);
        group = f->group;
        grid_add(&g, (const char *const[]){c->out.tty ? cli_text(c, "  %s", f->what) : f->what,
                                           word(f->verdict), f->text});
    }
    grid_print(&g, &c->out);
}

/* Advice is talk: it stands below, in the order of the checks. */
static void give_advice(struct cli *c, const struct doctor *d)
{
    for (const struct finding *f = d->first; f; f = f->next)
        if (f->advice)
            cli_advise(c, "%s: %s", f->what, f->advice);
}

enum exit_code cmd_doctor(struct cli *c)
{
    static const struct {
        const char *group;
        void (*check)(struct doctor *d);
    } checks[] = {
        {"the edge", doctor_check_edge},   {"names", doctor_check_dns},
        {"tunnels", doctor_check_tunnel},  {"the project", doctor_check_project},
        {"context", doctor_check_context},
    };
    struct doctor d;
    bool ill = false;
    enum exit_code code = settings_resolve(c);
    if (code != EXIT_DONE)
        return code;
    doctor_init(&d, c);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        d.group = checks[i].group;
        checks[i].check(&d);
    }
    for (const struct finding *f = d.first; f; f = f->next)
        ill = ill || f->verdict == ILL;

    if (args_has(&c->args, "json")) {
        print_json(c, &d, ill);
    } else {
        print_grid(c, &d);
        give_advice(c, &d);
    }
    return ill ? EXIT_INPUT : EXIT_DONE;
}
