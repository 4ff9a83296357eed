#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "core/span.h"

static const struct {
    const char *name, *help;
} groups[] = {
    {"route", "whose copy of a service answers in the session"},
    {"sessions", "virtual copies of the system, in which some services are yours"},
    {"ca", "the edge's own certificate authority"},
    {"local-dns", "how this machine finds the names of local sessions"},
    {"token", "who may use the API"},
};

const char *command_group_help(const char *group)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(groups[i].name, group) == 0)
            return groups[i].help;
    return NULL;
}

bool command_in_group(const struct command *command, const char *group)
{
    size_t len = strlen(group);
    return strncmp(command->name, group, len) == 0 && command->name[len] == ' ';
}

static bool has_alias(const struct command *c, struct span name)
{
    ptrdiff_t space = span_rchr(name, ' ');
    if (!c->alias || space < 0 || !span_eq(span_from(name, (size_t)space + 1), span_str(c->alias)))
        return false;
    struct span first = span_sub(name, 0, (size_t)space + 1);
    return span_starts(span_str(c->name), first);
}

/* What people do not call: no help, completion or man page has them. */
static const struct flag agent_flags[] = {
    {.name = "ready", .no_env = true, .help = "say on descriptor 3 when it listens"},
    {0},
};
static const struct flag names_flags[] = {
    {.name = "config", .letter = 'c', .kind = VALUE_FILE, .value = "FILE", .help = "the project"},
    {0},
};
static const struct command hidden[] = {
    {.name = "agent",
     .operands = "",
     .help = "hold the tunnels of this machine",
     .flags = agent_flags,
     .run = cmd_agent},
    {.name = "names",
     .operands = "services|sessions",
     .min = 1,
     .max = 1,
     .help = "what completion offers, without asking an edge",
     .flags = names_flags,
     .run = cmd_names},
    {0},
};

static const struct command *find_hidden(const char *name)
{
    for (const struct command *c = hidden; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

const struct command *command_find(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0 || has_alias(c, span_str(name)))
            return c;
    return find_hidden(name);
}

const char *flag_env(const struct flag *flag, char out[FLAG_ENV_MAX])
{
    snprintf(out, FLAG_ENV_MAX, "LINKUP_%s", flag->name);
    for (char *p = out; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        if (*p == '-')
            *p = '_';
    }
    return out;
}

const char *const *value_words(enum value_kind kind)
{
    static const char *const shells[] = {"bash", "zsh", "fish", NULL};
    static const char *const scopes[] = {"read", "session", "admin", NULL};
    static const char *const stores[] = {"system", "nss", "all", NULL};
    switch (kind) {
    case VALUE_SHELL:
        return shells;
    case VALUE_SCOPE:
        return scopes;
    case VALUE_STORE:
        return stores;
    default:
        return NULL;
    }
}
