#include <string.h>

#include "cli/command.h"
#include "cli/completion.h"

static void quote(FILE *f, const char *text)
{
    fputc('\'', f);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', f);
        fputc(*text, f);
    }
    fputc('\'', f);
}

/* What tells the names of a kind, NULL where nothing does. */
static const char *names_call(enum value_kind kind)
{
    switch (kind) {
    case VALUE_SESSION:
        return "sessions ls";
    case VALUE_TOKEN_ID:
        return "token ls";
    case VALUE_OWN_SESSION:
        return "names sessions";
    case VALUE_SERVICE:
        return "names services";
    default:
        return NULL;
    }
}

static void put_flag(FILE *f, const char *condition, const struct flag *flag)
{
    fprintf(f, "complete -c linkup -n '%s' -l %s", condition, flag->name);
    if (flag->letter)
        fprintf(f, " -s %c", flag->letter);
    if (flag->kind == VALUE_FILE)
        fputs(" -rF", f);
    else if (flag->kind != VALUE_NONE)
        fputs(" -x", f);
    const char *const *words = value_words(flag->kind);
    if (words) {
        fputs(" -a '", f);
        for (; *words; words++)
            fprintf(f, "%s%s", *words, words[1] ? " " : "'");
    }
    if (names_call(flag->kind))
        fprintf(f, " -a '(__linkup_ids %s)'", names_call(flag->kind));
    fputs(" -d ", f);
    quote(f, flag->help);
    fputc('\n', f);
}

static void put_word(FILE *f, const char *at, const char *word, size_t len, const char *help)
{
    fprintf(f, "complete -c linkup -n '__linkup_at \"%s\"' -a %.*s -d ", at, (int)len, word);
    quote(f, help);
    fputc('\n', f);
}

static void put_command(FILE *f, const struct command *c)
{
    const char *space = strchr(c->name, ' ');
    char group[32];
    size_t first = strcspn(c->name, " ");
    snprintf(group, sizeof group, "%.*s", (int)first, c->name);
    if (space)
        put_word(f, group, space + 1, strlen(space + 1), c->help);

    char condition[96];
    snprintf(condition, sizeof condition, "__linkup_at \"%s\"", c->name);
    for (const struct flag *flag = c->flags; flag && flag->name; flag++)
        put_flag(f, condition, flag);
    const char *asked = names_call(c->first);
    if (asked)
        fprintf(f, "complete -c linkup -n '%s' -a '(__linkup_ids %s)'\n", condition, asked);
    for (const char *const *w = value_words(c->first); w && *w; w++)
        fprintf(f, "complete -c linkup -n '%s' -a %s\n", condition, *w);
}

static void put_head(FILE *f)
{
    fputs("# fish completion for linkup, from `linkup completion fish`\n"
          "function __linkup_command\n"
          "    set -l found\n"
          "    set -l skip 0\n"
          "    for word in (commandline -opc)[2..-1]\n"
          "        if test $skip = 1\n"
          "            set skip 0\n"
          "            continue\n"
          "        end\n"
          "        switch $word\n"
          "            case",
          f);
    for (const struct flag *flag = global_flags; flag->name; flag++)
        if (flag->kind != VALUE_NONE)
            fprintf(f, " --%s", flag->name);
    fputs("\n"
          "                set skip 1\n"
          "            case '-*'\n"
          "            case '*'\n"
          "                set -a found $word\n"
          "        end\n"
          "    end\n"
          "    set -l groups",
          f);
    for (const struct command *c = commands; c->name; c++) {
        size_t len = strcspn(c->name, " ");
        bool repeated = c > commands && strncmp(c[-1].name, c->name, len + 1) == 0;
        if (c->name[len] == ' ' && !repeated)
            fprintf(f, " %.*s", (int)len, c->name);
    }
    fputs("\n"
          "    if contains -- \"$found[1]\" $groups\n"
          "        echo \"$found[1..2]\"\n"
          "    else\n"
          "        echo \"$found[1]\"\n"
          "    end\n"
          "end\n"
          "function __linkup_at\n"
          "    test \"$(__linkup_command)\" = \"$argv[1]\"\n"
          "end\n"
          "function __linkup_ids\n"
          "    linkup --timeout 2 $argv 2>/dev/null | string replace -r '\\t.*' ''\n"
          "end\n"
          "complete -c linkup -f\n",
          f);
}

void completion_fish(FILE *f)
{
    put_head(f);
    for (const struct flag *flag = global_flags; flag->name; flag++)
        put_flag(f, "true", flag);
    for (const struct command *c = commands; c->name; c++) {
        size_t len = strcspn(c->name, " ");
        bool repeated = c > commands && strncmp(c[-1].name, c->name, len + 1) == 0;
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)len, c->name);
        const char *group = command_group_help(word);
        if (!repeated || !group)
            put_word(f, "", c->name, len, group ? group : c->help);
        put_command(f, c);
    }
}
