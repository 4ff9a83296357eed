/* bash and zsh: the same walk over the words before the cursor, with each shell's own arrays. */

#include "cli/completion.h"

#include <string.h>

#include "cli/cli.h"

static void put_valued_flags(FILE *f, const struct flag *flags, const char **gap)
{
    for (; flags && flags->name; flags++) {
        if (flags->kind == VALUE_NONE)
            continue;
        fprintf(f, "%s--%s", *gap, flags->name);
        *gap = "|";
        if (flags->letter)
            fprintf(f, "|-%c", flags->letter);
    }
}

/* A pattern of every flag that takes a value: the word after it is no command. */
static void put_value_pattern(FILE *f)
{
    const char *gap = "";
    put_valued_flags(f, global_flags, &gap);
    for (const struct command *c = commands; c->name; c++)
        put_valued_flags(f, c->flags, &gap);
}

static void put_flag_names(FILE *f, const struct flag *flags)
{
    for (; flags && flags->name; flags++)
        fprintf(f, " --%s", flags->name);
}

/* The words that may follow PREFIX ("" or "sessions"), each once. */
static void put_next_words(FILE *f, const char *prefix)
{
    size_t skip = *prefix ? strlen(prefix) + 1 : 0;
    const char *last = "";
    for (const struct command *c = commands; c->name; c++) {
        if (skip && !command_in_group(c, prefix))
            continue;
        const char *word = c->name + skip;
        size_t len = strcspn(word, " ");
        if (strncmp(last, word, len) != 0 || (last[len] != ' ' && last[len] != '\0'))
            fprintf(f, " %.*s", (int)len, word);
        last = word;
    }
}

static void put_groups(FILE *f, const char *between)
{
    const char *last = "", *gap = "";
    for (const struct command *c = commands; c->name; c++) {
        size_t len = strcspn(c->name, " ");
        if (c->name[len] != ' ' || strncmp(last, c->name, len + 1) == 0)
            continue;
        fprintf(f, "%s%.*s", gap, (int)len, c->name);
        gap = between;
        last = c->name;
    }
}

/* What completes a value: words, names asked from the edge, or files. */
static void put_value_line(FILE *f, enum value_kind kind)
{
    const char *const *words = value_words(kind);
    if (words) {
        fputs("_linkup_offer", f);
        for (; *words; words++)
            fprintf(f, " %s", *words);
        return;
    }
    switch (kind) {
    case VALUE_FILE:
        fputs("_linkup_files", f);
        return;
    case VALUE_SESSION:
        fputs("_linkup_ids sessions ls", f);
        return;
    case VALUE_TOKEN_ID:
        fputs("_linkup_ids token ls", f);
        return;
    case VALUE_OWN_SESSION:
        fputs("_linkup_ids names sessions", f);
        return;
    case VALUE_SERVICE:
        fputs("_linkup_ids names services", f);
        return;
    case VALUE_COMMAND:
        fputs("_linkup_offer", f);
        put_next_words(f, "");
        return;
    default:
        fputs(":", f);
    }
}

static void put_flag_values(FILE *f, const struct flag *flags)
{
    for (; flags && flags->name; flags++) {
        bool asked = flags->kind == VALUE_OWN_SESSION || flags->kind == VALUE_SERVICE;
        if (flags->kind != VALUE_FILE && !asked && !value_words(flags->kind))
            continue;
        fprintf(f, "    --%s) ", flags->name);
        put_value_line(f, flags->kind);
        fputs("; return ;;\n", f);
    }
}

/* A flag of the same name means the same everywhere: the first one that is met is written. */
static void put_all_flag_values(FILE *f)
{
    put_flag_values(f, global_flags);
    for (const struct command *c = commands; c->name; c++)
        put_flag_values(f, c->flags);
    fputs("    ", f);
    put_value_pattern(f);
    fputs(") return ;;\n", f);
}

static void put_body(FILE *f)
{
    fputs("    case $previous in\n", f);
    put_all_flag_values(f);
    fputs("    esac\n    if [[ $current == -* ]]; then\n        case $command in\n", f);
    for (const struct command *c = commands; c->name; c++) {
        if (!c->flags)
            continue;
        fprintf(f, "        '%s') _linkup_offer", c->name);
        put_flag_names(f, c->flags);
        fputs(" ;;\n", f);
    }
    fputs("        esac\n        _linkup_offer", f);
    put_flag_names(f, global_flags);
    fputs("\n        return\n    fi\n    case $command in\n    '') _linkup_offer", f);
    put_next_words(f, "");
    fputs(" ;;\n", f);
    const char *last = "";
    for (const struct command *c = commands; c->name; c++) {
        char group[32];
        size_t len = strcspn(c->name, " ");
        snprintf(group, sizeof group, "%.*s", (int)len, c->name);
        if (c->name[len] == ' ' && strncmp(last, c->name, len + 1) != 0) {
            fprintf(f, "    %s) _linkup_offer", group);
            put_next_words(f, group);
            fputs(" ;;\n", f);
        }
        last = c->name;
        fprintf(f, "    '%s') ", c->name);
        put_value_line(f, c->first);
        fputs(" ;;\n", f);
    }
    fputs("    esac\n", f);
}

/* Finds the command among the words before the cursor; ITEM is the I-th of them. */
static void put_walk(FILE *f, const char *from, const char *before, const char *item)
{
    fprintf(f,
            "    for ((i = %s; i < %s; i++)); do\n"
            "        word=%s\n"
            "        case $word in\n"
            "        ",
            from, before, item);
    put_value_pattern(f);
    fputs(") ((i++)) ;;\n"
          "        -*) ;;\n"
          "        *)\n"
          "            case $command in\n"
          "            '') command=$word ;;\n"
          "            ",
          f);
    put_groups(f, "|");
    fputs(") command=\"$command $word\" ;;\n"
          "            esac\n"
          "            ;;\n"
          "        esac\n"
          "    done\n",
          f);
}

void completion_bash(FILE *f)
{
    /* No compgen -W: it would expand what the edge calls its sessions. */
    fputs("# bash completion for linkup, from `linkup completion bash`\n"
          "_linkup_offer() {\n"
          "    local word\n"
          "    for word in \"$@\"; do\n"
          "        [[ $word != \"$current\"* ]] || COMPREPLY+=(\"$word\")\n"
          "    done\n"
          "}\n"
          "_linkup_files() {\n"
          "    compopt -o filenames 2>/dev/null\n"
          "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "}\n"
          "_linkup_ids() {\n"
          "    local id rest\n"
          "    while IFS=$'\\t' read -r id rest; do\n"
          "        [[ $id == *[!A-Za-z0-9_-]* ]] || _linkup_offer \"$id\"\n"
          "    done < <(\"${COMP_WORDS[0]}\" --timeout 2 \"$@\" 2>/dev/null)\n"
          "}\n"
          "_linkup() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local command='' word i\n"
          "    COMPREPLY=()\n",
          f);
    put_walk(f, "1", "COMP_CWORD", "${COMP_WORDS[i]}");
    put_body(f);
    fputs("}\ncomplete -F _linkup linkup\n", f);
}

void completion_zsh(FILE *f)
{
    fputs("#compdef linkup\n"
          "# zsh completion for linkup, from `linkup completion zsh`\n"
          "_linkup_offer() { compadd -- \"$@\" }\n"
          "_linkup_files() { _files }\n"
          "_linkup_ids() {\n"
          "    local id rest\n"
          "    local -a ids\n"
          "    while IFS=$'\\t' read -r id rest; do\n"
          "        [[ $id == *[^A-Za-z0-9_-]* ]] || ids+=(\"$id\")\n"
          "    done < <(linkup --timeout 2 \"$@\" 2>/dev/null)\n"
          "    compadd -- $ids\n"
          "}\n"
          "_linkup() {\n"
          "    local current=$words[CURRENT] previous=$words[CURRENT-1] command='' word\n"
          "    local -i i\n",
          f);
    put_walk(f, "2", "CURRENT", "$words[i]");
    put_body(f);
    fputs("}\n"
          "if [[ $funcstack[1] == _linkup ]]; then\n"
          "    _linkup \"$@\"\n"
          "else\n"
          "    compdef _linkup linkup\n"
          "fi\n",
          f);
}

enum exit_code cmd_completion(struct cli *c)
{
    static const struct {
        const char *shell;
        void (*print)(FILE *f);
    } shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    const char *shell = c->args.operands[0];
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(shells[i].shell, shell) != 0)
            continue;
        shells[i].print(c->out.file);
        return EXIT_DONE;
    }
    cli_complain(c, "no completion for \"%s\": there is bash, zsh and fish", shell);
    return EXIT_USAGE;
}
