#include "cli/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"

struct parser {
    struct args *args;
    struct args_fault *fault;
    char **argv;
    int argc, at;
    char words[64]; /* the command's words so far */
    bool flags_ended;
};

static bool fault(struct args_fault *f, enum exit_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Always false, so that a guard can return it. */
static bool fault(struct args_fault *f, enum exit_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->exit = code;
    return false;
}

static const struct flag *find_in(const struct flag *flags, struct span name)
{
    for (const struct flag *f = flags; f && f->name; f++)
        if (span_eq(span_str(f->name), name))
            return f;
    return NULL;
}

static const struct flag *find_flag(const struct args *a, struct span name)
{
    const struct flag *f = find_in(global_flags, name);
    if (f || !a->command)
        return f;
    return find_in(a->command->flags, name);
}

static const struct flag *find_letter(const struct args *a, char letter)
{
    const struct flag *lists[] = {global_flags, a->command ? a->command->flags : NULL};
    for (size_t i = 0; i < 2; i++)
        for (const struct flag *f = lists[i]; f && f->name; f++)
            if (f->letter == letter)
                return f;
    return NULL;
}

static void offer_flags(struct suggest *s, const struct flag *flags)
{
    for (const struct flag *f = flags; f && f->name; f++)
        suggest_offer(s, span_str(f->name));
}

static bool unknown_flag(struct parser *p, struct span name)
{
    struct suggest s;
    suggest_init(&s, name);
    offer_flags(&s, global_flags);
    if (p->args->command)
        offer_flags(&s, p->args->command->flags);

    char guess[80] = "";
    if (s.best.len)
        snprintf(guess, sizeof guess, "; did you mean --" SPAN_FMT "?", SPAN_ARG(s.best));
    const char *place = p->args->command ? ""
                                         : " here (a command's own flags stand after its name)";
    /* Only the name: what follows a '=' may be a secret. */
    return fault(p->fault, EXIT_USAGE, "unknown flag --%.*s%s%s",
                 (int)(name.len < 40 ? name.len : 40), name.p, place, guess);
}

static bool is_given(const struct args *a, const struct flag *f)
{
    for (size_t i = 0; i < a->n_given; i++)
        if (a->given[i].flag == f)
            return true;
    return false;
}

static bool take(struct parser *p, const struct flag *f, char *text)
{
    struct args *a = p->args;
    if (!f->repeats && f->kind != VALUE_NONE && is_given(a, f))
        return fault(p->fault, EXIT_USAGE, "--%s is given twice", f->name);
    a->given[a->n_given++] = (struct arg){f, text};
    return true;
}

static bool take_with_value(struct parser *p, const struct flag *f, char *attached)
{
    if (f->kind == VALUE_NONE) {
        if (attached)
            return fault(p->fault, EXIT_USAGE, "--%s is a switch: it takes no value", f->name);
        return take(p, f, p->argv[p->at]);
    }
    if (attached)
        return take(p, f, attached);
    if (p->at + 1 >= p->argc)
        return fault(p->fault, EXIT_USAGE, "--%s needs a value: --%s %s", f->name, f->name,
                     f->value);
    return take(p, f, p->argv[++p->at]);
}

static bool long_flag(struct parser *p, char *word)
{
    char *name = word + 2;
    char *equals = strchr(name, '=');
    struct span n = equals ? span_of(name, (size_t)(equals - name)) : span_str(name);
    const struct flag *f = find_flag(p->args, n);
    if (!f)
        return unknown_flag(p, n);
    return take_with_value(p, f, equals ? equals + 1 : NULL);
}

static bool short_flag(struct parser *p, char *word)
{
    const struct flag *f = find_letter(p->args, word[1]);
    if (!f)
        return fault(p->fault, EXIT_USAGE, "unknown flag -%c", word[1]);
    if (f->kind == VALUE_NONE && word[2])
        return fault(p->fault, EXIT_USAGE, "unknown flag %.40s: short flags stand alone", word);
    return take_with_value(p, f, word[2] ? word + 2 : NULL);
}

/* Candidates are compared word by word, so that "session ls" and "sessions lst" both find theirs. */
static bool unknown_command(struct parser *p, const char *group, const char *word)
{
    struct suggest s;
    suggest_init(&s, span_str(word));
    size_t skip = group ? strlen(group) + 1 : 0;
    for (const struct command *c = commands; c->name; c++) {
        if (group && !command_in_group(c, group))
            continue;
        struct span rest = span_str(c->name + skip), first;
        if (span_split(&rest, ' ', &first))
            suggest_offer(&s, first);
    }

    char guess[80] = "";
    if (s.best.len)
        snprintf(guess, sizeof guess, "; did you mean `linkup %s%s" SPAN_FMT "`?",
                 group ? group : "", group ? " " : "", SPAN_ARG(s.best));
    return fault(p->fault, EXIT_USAGE, "unknown command \"%s%s%.40s\"%s", group ? group : "",
                 group ? " " : "", word, guess);
}

static bool command_word(struct parser *p, char *word)
{
    struct args *a = p->args;
    char name[sizeof p->words];
    int len = snprintf(name, sizeof name, "%s%s%s", p->words, p->words[0] ? " " : "", word);
    if (len < 0 || (size_t)len >= sizeof name)
        return unknown_command(p, a->group, word);

    a->command = command_find(name);
    if (!a->command && (a->group || !command_group_help(name)))
        return unknown_command(p, a->group, word);
    memcpy(p->words, name, sizeof name);
    a->group = a->command ? NULL : word;
    return true;
}

static bool one_word(struct parser *p)
{
    struct args *a = p->args;
    char *word = p->argv[p->at];
    if (!p->flags_ended && strcmp(word, "--") == 0) {
        p->flags_ended = true;
        return true;
    }
    if (!p->flags_ended && strncmp(word, "--", 2) == 0)
        return long_flag(p, word);
    /* A lone "-" is a value: standard input. */
    if (!p->flags_ended && word[0] == '-' && word[1])
        return short_flag(p, word);
    if (!a->command)
        return command_word(p, word);
    a->operands[a->n_operands++] = word;
    return true;
}

/* An unset twin, an empty one, and a switch that is off are the same. */
static bool from_env(struct parser *p, const struct flag *f, char *(*env)(const char *name))
{
    char name[FLAG_ENV_MAX];
    if (f->no_env || is_given(p->args, f))
        return true;
    char *text = env(flag_env(f, name));
    if (!text || !*text)
        return true;
    if (f->kind != VALUE_NONE)
        return take(p, f, text);

    static const char *const on[] = {"1", "true", "yes", "on"};
    static const char *const off[] = {"0", "false", "no", "off"};
    for (size_t i = 0; i < 4; i++) {
        if (span_eq_nocase(span_str(text), span_str(on[i])))
            return take(p, f, text);
        if (span_eq_nocase(span_str(text), span_str(off[i])))
            return true;
    }
    return fault(p->fault, EXIT_INPUT, "%s: neither 1 nor 0: \"%.40s\"", name, text);
}

static bool all_from_env(struct parser *p, char *(*env)(const char *name))
{
    const struct flag *lists[] = {global_flags, p->args->command ? p->args->command->flags : NULL};
    for (size_t i = 0; i < 2; i++)
        for (const struct flag *f = lists[i]; f && f->name; f++)
            if (!from_env(p, f, env))
                return false;
    return true;
}

static bool count_operands(struct parser *p)
{
    const struct args *a = p->args;
    const struct command *c = a->command;
    if (!c || args_has(a, "help") || args_has(a, "version"))
        return true;
    if (a->n_operands >= c->min && a->n_operands <= c->max)
        return true;
    if (c->max == 0)
        return fault(p->fault, EXIT_USAGE, "%s takes no operands: \"%.60s\"", c->name,
                     a->operands[0]);
    return fault(p->fault, EXIT_USAGE, "%s operands: linkup %s %s",
                 a->n_operands < c->min ? "too few" : "too many", c->name, c->operands);
}

static size_t count_flags(const struct flag *flags)
{
    size_t n = 0;
    while (flags && flags[n].name)
        n++;
    return n;
}

static size_t most_given(int argc)
{
    size_t most = 0;
    for (const struct command *c = commands; c->name; c++) {
        size_t n = count_flags(c->flags);
        most = n > most ? n : most;
    }
    return most + count_flags(global_flags) + (size_t)argc;
}

bool args_parse(struct args *a, struct arena *arena, int argc, char **argv,
                char *(*env)(const char *name), struct args_fault *f)
{
    *a = (struct args){0};
    *f = (struct args_fault){0};
    a->given = (struct arg *)arena_must_alloc(arena, most_given(argc) * sizeof *a->given);
    a->operands = (char **)arena_must_alloc(arena, ((size_t)argc + 1) * sizeof *a->operands);

    struct parser p = {.args = a, .fault = f, .argv = argv, .argc = argc};
    for (p.at = 1; p.at < argc; p.at++)
        if (!one_word(&p))
            return false;
    return all_from_env(&p, env) && count_operands(&p);
}

const char *args_nth(const struct args *a, const char *flag, size_t i)
{
    const struct flag *f = find_flag(a, span_str(flag));
    CHECK(f);
    for (size_t k = 0; k < a->n_given; k++)
        if (a->given[k].flag == f && i-- == 0)
            return a->given[k].text;
    return NULL;
}

const char *args_get(const struct args *a, const char *flag)
{
    return args_nth(a, flag, 0);
}

bool args_has(const struct args *a, const char *flag)
{
    return args_nth(a, flag, 0) != NULL;
}
