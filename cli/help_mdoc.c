/* The parts of linkup(1) that follow from the command table. */

#include <string.h>

#include "cli/help.h"

/* Text in a macro's argument or on a line of its own: roff's own characters made harmless. */
static void put_text(FILE *f, struct span s)
{
    if (s.len && (s.p[0] == '.' || s.p[0] == '\''))
        fputs("\\&", f);
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\\')
            fputs("\\e", f);
        else if (s.p[i] == '-')
            fputs("\\-", f);
        else if (s.p[i] == '\'')
            fputs("\\(aq", f);
        else if (s.p[i] == '`')
            fputs("\\(ga", f);
        else
            fputc(s.p[i], f);
    }
}

/* A sentence a line, as mdoc wants it. */
static void put_prose(FILE *f, struct span s)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.p[i] != '.' || s.p[i + 1] != ' ')
            continue;
        put_text(f, span_sub(s, 0, i + 1));
        fputc('\n', f);
        s = span_from(s, i + 2);
        i = 0;
    }
    put_text(f, s);
    fputc('\n', f);
}

static void put_flag(FILE *f, const struct flag *flag)
{
    char env[FLAG_ENV_MAX];
    fputs(".It ", f);
    if (flag->letter)
        fprintf(f, "Fl %c , ", flag->letter);
    fprintf(f, "Fl \\-%s", flag->name);
    if (flag->value) {
        fputs(" Ar \"", f);
        put_text(f, span_str(flag->value));
        fputc('"', f);
    }
    fputc('\n', f);
    put_prose(f, span_str(flag->help));
    if (!flag->no_env)
        fprintf(f, ".Pq Ev %s\n", flag_env(flag, env));
}

static void put_flags(FILE *f, const struct flag *flags)
{
    fputs(".Bl -tag -width Ds\n", f);
    for (const struct flag *flag = flags; flag->name; flag++)
        put_flag(f, flag);
    fputs(".El\n", f);
}

/* Lines that begin with a blank are examples; the others flow. */
static void put_teach(FILE *f, const char *teach)
{
    struct span rest = span_str(teach), line;
    bool shown = false;
    if (*teach != ' ')
        fputs(".Pp\n", f);
    while (span_split(&rest, '\n', &line)) {
        bool example = line.len && line.p[0] == ' ';
        if (!line.len)
            continue;
        if (example != shown)
            fputs(example ? ".Bd -literal -offset indent\n" : ".Ed\n", f);
        shown = example;
        if (!example) {
            put_prose(f, line);
            continue;
        }
        put_text(f, span_from(line, 2));
        fputc('\n', f);
    }
    if (shown)
        fputs(".Ed\n", f);
}

static void put_command(FILE *f, const struct command *k)
{
    fprintf(f, ".It Ic %s", k->name);
    if (*k->operands) {
        fputs(" Ar \"", f);
        put_text(f, span_str(k->operands));
        fputc('"', f);
    }
    fprintf(f, "\n%c", k->help[0] - 'a' + 'A');
    put_text(f, span_str(k->help + 1));
    fputs(".\n", f);
    if (k->alias)
        fprintf(f, "Also:\n.Ic %.*s %s .\n", (int)strcspn(k->name, " "), k->name, k->alias);
    if (k->teach)
        put_teach(f, k->teach);
    if (k->flags)
        put_flags(f, k->flags);
}

void help_print_mdoc(const struct term *t)
{
    FILE *f = t->file;
    fputs(".Sh FLAGS\nFor every command:\n", f);
    put_flags(f, global_flags);
    fputs(".Sh COMMANDS\n.Bl -tag -width Ds\n", f);
    for (const struct command *k = commands; k->name; k++)
        put_command(f, k);
    fputs(".El\n", f);
}
