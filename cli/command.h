/* The command table: names, usage, flags and handlers of `linkup`, each declared once.
 *
 * Parsing, --help, the completion scripts and the commands' part of the man page are made from it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cli;

/* What the process ends with. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_INPUT = 1,       /* a value, a file or the configuration is wrong */
    EXIT_USAGE = 2,       /* the command line is not of the required form */
    EXIT_UNREACHABLE = 3, /* no edge answered, or it could not do its work */
    EXIT_REFUSED = 4,     /* the token is missing, wrong, or of too small a scope */
    EXIT_MISSING = 5,     /* there is no such thing, or it is in conflict with what there is */
};

/* What a value is, for completion. */
enum value_kind {
    VALUE_NONE, /* of a flag: it is a switch */
    VALUE_TEXT,
    VALUE_FILE,
    VALUE_SESSION,     /* the name of a session */
    VALUE_OWN_SESSION, /* of one of this machine's */
    VALUE_SERVICE,     /* of the project */
    VALUE_OVERRIDE,    /* SERVICE=URL */
    VALUE_SHELL,
    VALUE_SCOPE,
    VALUE_STORE,
    VALUE_TOKEN_ID,
    VALUE_COMMAND,
};

struct flag {
    const char *name; /* without the dashes; its environment twin is LINKUP_NAME */
    char letter;      /* 0: none */
    enum value_kind kind;
    const char *value; /* the value's name in help; NULL for a switch */
    bool repeats;
    bool no_env;
    const char *help;
};

struct command {
    const char *name;            /* "sessions create": one or two words */
    const char *alias;           /* another name for the last word, or NULL */
    const char *operands;        /* "[NAME] [SERVICE=URL ...]" or "" */
    size_t min, max;             /* how many operands */
    enum value_kind first, rest; /* the first operand, the others */
    const char *help;            /* one line */
    const char *teach;           /* paragraphs and examples for `help COMMAND` */
    const struct flag *flags;    /* ends with a NULL name; may be NULL */
    enum exit_code (*run)(struct cli *c);
};

#define OPERANDS_MANY ((size_t)100000)

/* Both end with a NULL name. */
extern const struct command commands[];
extern const struct flag global_flags[];

/* Groups have one line of help of their own: "sessions". NULL when there is no such group. */
const char *command_group_help(const char *group);
/* The command of this name ("sessions ls"; an alias too), or NULL. */
const struct command *command_find(const char *name);
/* Whether COMMAND belongs to GROUP: its name is "GROUP something". */
bool command_in_group(const struct command *command, const char *group);
/* FLAG's environment variable, in OUT. */
#define FLAG_ENV_MAX 48
const char *flag_env(const struct flag *flag, char out[FLAG_ENV_MAX]);
/* The values a kind can have, ended by NULL, where they are few and known; else NULL. */
const char *const *value_words(enum value_kind kind);

/* Handlers, in the files cmd_*.c. */
enum exit_code cmd_login(struct cli *c);
enum exit_code cmd_sessions_ls(struct cli *c);
enum exit_code cmd_sessions_show(struct cli *c);
enum exit_code cmd_sessions_create(struct cli *c);
enum exit_code cmd_sessions_set(struct cli *c);
enum exit_code cmd_sessions_extend(struct cli *c);
enum exit_code cmd_sessions_rm(struct cli *c);
enum exit_code cmd_preview(struct cli *c);
enum exit_code cmd_start(struct cli *c);
enum exit_code cmd_stop(struct cli *c);
enum exit_code cmd_route_local(struct cli *c);
enum exit_code cmd_route_remote(struct cli *c);
enum exit_code cmd_http(struct cli *c);
enum exit_code cmd_agent(struct cli *c);
enum exit_code cmd_names(struct cli *c);
enum exit_code cmd_explain(struct cli *c);
enum exit_code cmd_status(struct cli *c);
enum exit_code cmd_doctor(struct cli *c);
enum exit_code cmd_ca_show(struct cli *c);
enum exit_code cmd_ca_trust(struct cli *c);
enum exit_code cmd_ca_untrust(struct cli *c);
enum exit_code cmd_local_dns_install(struct cli *c);
enum exit_code cmd_local_dns_uninstall(struct cli *c);
enum exit_code cmd_token_create(struct cli *c);
enum exit_code cmd_token_ls(struct cli *c);
enum exit_code cmd_token_rm(struct cli *c);
enum exit_code cmd_completion(struct cli *c);
enum exit_code cmd_help(struct cli *c);
