#include "cli/help.h"

#include <string.h>

#include "config/project.h"

#define PROJECT_TEXT_MAX ((size_t)1 << 20)
#define INDENT 34 /* where the texts beside names begin */

static void heading(const struct term *t, const char *text)
{
    fprintf(t->file, "\n%s%s%s\n", term_bold(t), text, term_plain(t));
}

static void beside(const struct term *t, const char *name, const char *help)
{
    int gap = INDENT - 2 - (int)strlen(name);
    if (gap < 2) {
        fprintf(t->file, "  %s\n%*s%s\n", name, INDENT, "", help);
        return;
    }
    fprintf(t->file, "  %s%*s%s\n", name, gap, "", help);
}

static void print_flags(struct cli *c, const struct term *t, const struct flag *flags)
{
    for (const struct flag *f = flags; f && f->name; f++) {
        const char *letter = f->letter ? cli_text(c, "-%c, ", f->letter) : "";
        beside(t,
               cli_text(c, "%s--%s%s%s", letter, f->name, f->value ? " " : "",
                        f->value ? f->value : ""),
               f->help);
    }
}

static void print_commands(struct cli *c, const struct term *t, const char *group)
{
    for (const struct command *k = commands; k->name; k++) {
        if (group && !command_in_group(k, group))
            continue;
        beside(t, cli_text(c, "%s%s%s", k->name, *k->operands ? " " : "", k->operands), k->help);
    }
}

static void print_overview(struct cli *c, const struct term *t)
{
    fputs("linkup - sessions on a Linkup edge: a virtual copy of the whole system in which the\n"
          "services you changed are yours, and all the others are the shared ones\n",
          t->file);
    heading(t, "Usage");
    fputs("  linkup [FLAG ...] COMMAND [OPERAND ...]\n", t->file);
    heading(t, "A first session");
    fputs("  linkup login --edge https://edge.dev.example.com      once\n"
          "  linkup ca trust                                       for browsers\n"
          "  linkup start                                          where linkup.yaml is\n"
          "  linkup route local web                                yours from now on\n"
          "  linkup status                                         what is where, and is it well\n"
          "  linkup stop\n"
          "\n"
          "  linkup http 3000 --service web                        without a project file\n"
          "  linkup sessions create peter web=http://10.1.2.3:3000 of what runs elsewhere\n"
          "  linkup explain https://web.peter.dev.example.com/     where does it go, and why\n",
          t->file);
    heading(t, "Commands");
    print_commands(c, t, NULL);
    heading(t, "Flags for every command");
    print_flags(c, t, global_flags);
    fputs("\n"
          "Every flag has a twin in the environment: --token-file is LINKUP_TOKEN_FILE. What "
          "neither\n"
          "gives comes from `linkup login`. Data goes to standard output: tables on a terminal, "
          "plain\n"
          "lines in a pipe, JSON with --json; everything else to standard error.\n"
          "\n"
          "Exit codes: 0 done, 1 the input is wrong, 2 usage, 3 the edge cannot be reached, 4 "
          "refused\n"
          "(the token), 5 not found or in conflict.\n"
          "\n"
          "More about a command: linkup help COMMAND\n",
          t->file);
}

static void print_command(struct cli *c, const struct term *t, const struct command *k)
{
    fprintf(t->file, "linkup %s - %s\n", k->name, k->help);
    heading(t, "Usage");
    fprintf(t->file, "  linkup %s%s%s%s\n", k->name, k->flags ? " [FLAG ...]" : "",
            *k->operands ? " " : "", k->operands);
    if (k->teach) {
        fputc('\n', t->file);
        struct span rest = span_str(k->teach), line;
        while (span_split(&rest, '\n', &line))
            fprintf(t->file, "%s" SPAN_FMT "\n", line.len ? "  " : "", SPAN_ARG(line));
    }
    if (k->flags) {
        heading(t, "Flags");
        print_flags(c, t, k->flags);
    }
    fputs("\nFlags for every command (--edge, --token-file, --json ...): linkup help\n", t->file);
}

enum exit_code help_print(struct cli *c, const struct term *t, const char *name)
{
    const struct command *k = name ? command_find(name) : NULL;
    const char *group = name && !k ? command_group_help(name) : NULL;
    if (name && !k && !group) {
        cli_complain(c, "there is no command \"%s\"", name);
        cli_advise(c, "see: linkup help");
        return EXIT_USAGE;
    }
    if (k) {
        print_command(c, t, k);
    } else if (group) {
        fprintf(t->file, "linkup %s - %s\n", name, group);
        heading(t, "Commands");
        print_commands(c, t, name);
        fprintf(t->file, "\nMore about one: linkup help %s COMMAND\n", name);
    } else {
        print_overview(c, t);
    }
    return EXIT_DONE;
}

/* The keys of a project file. */
static enum exit_code print_project(struct cli *c, bool mdoc)
{
    struct buf text;
    buf_init(&text, PROJECT_TEXT_MAX);
    enum err e = mdoc ? project_describe_mdoc(&text) : project_describe(&text);
    if (e == ERR_OK)
        fwrite(buf_span(&text).p, 1, buf_len(&text), c->out.file);
    buf_deinit(&text);
    return e == ERR_OK ? EXIT_DONE : EXIT_INPUT;
}

enum exit_code cmd_help(struct cli *c)
{
    if (args_has(&c->args, "project"))
        return print_project(c, args_has(&c->args, "mdoc"));
    if (args_has(&c->args, "mdoc")) {
        help_print_mdoc(&c->out);
        return EXIT_DONE;
    }
    char **words = c->args.operands;
    switch (c->args.n_operands) {
    case 0:
        return help_print(c, &c->out, NULL);
    case 1:
        return help_print(c, &c->out, words[0]);
    default:
        return help_print(c, &c->out, cli_text(c, "%s %s", words[0], words[1]));
    }
}
