#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "core/span.h"

const struct flag global_flags[] = {
    {.name = "edge",
     .kind = VALUE_TEXT,
     .value = "URL",
     .help = "the edge: https://edge.<zone>, or unix:PATH for its admin socket"},
    {.name = "token", .kind = VALUE_TEXT, .value = "T", .help = "the token; better in a file"},
    {.name = "token-file",
     .kind = VALUE_FILE,
     .value = "FILE",
     .help = "a file whose first line is the token; - is standard input"},
    {.name = "ca",
     .kind = VALUE_FILE,
     .value = "FILE",
     .help = "trust this CA (PEM) for the edge, beside the system's"},
    {.name = "connect",
     .kind = VALUE_TEXT,
     .value = "HOST:PORT",
     .help = "connect there instead of where the edge's name leads"},
    {.name = "timeout",
     .kind = VALUE_TEXT,
     .value = "SECONDS",
     .help = "give up after so long (30)"},
    {.name = "json", .help = "print the API's JSON"},
    {.name = "help", .letter = 'h', .no_env = true, .help = "help, of the command if one is named"},
    {.name = "version", .no_env = true, .help = "print the version"},
    {0},
};

#define FLAG_TTL                                                                                   \
    {                                                                                              \
        .name = "ttl", .kind = VALUE_TEXT, .value = "TIME",                                        \
        .help = "how long it lives after its last change or use: 12h, 7d"                          \
    }
#define FLAG_PRESERVE                                                                              \
    {                                                                                              \
        .name = "preserve-host",                                                                   \
        .help = "the backends get the client's Host, not the one of their URL"                     \
    }
#define FLAG_OWNER                                                                                 \
    {                                                                                              \
        .name = "owner", .kind = VALUE_TEXT, .value = "NAME",                                      \
        .help = "whose it is, for people (the token's name)"                                       \
    }
#define FLAG_IF_MATCH                                                                              \
    {                                                                                              \
        .name = "if-match", .kind = VALUE_TEXT, .value = "ETAG",                                   \
        .help = "only if it is still as `sessions show` told"                                      \
    }

static const struct flag login_flags[] = {
    {.name = "trust-ca", .help = "trust the edge's own CA without asking"},
    {.name = "fingerprint",
     .kind = VALUE_TEXT,
     .value = "SHA256",
     .help = "trust the edge's own CA if this is its fingerprint"},
    {0},
};
static const struct flag create_flags[] = {
    FLAG_TTL,
    FLAG_OWNER,
    {.name = "pin", .help = "it stays until it is ended"},
    FLAG_PRESERVE,
    {.name = "from",
     .kind = VALUE_FILE,
     .value = "FILE",
     .help = "the session as the API's JSON (domains, rewrites ...); - is standard input"},
    {0},
};
static const struct flag set_flags[] = {
    FLAG_TTL,
    FLAG_OWNER,
    {.name = "pin", .help = "it stays until it is ended"},
    {.name = "no-pin", .help = "it expires again"},
    FLAG_PRESERVE,
    FLAG_IF_MATCH,
    {0},
};
static const struct flag extend_flags[] = {FLAG_TTL, {0}};
static const struct flag rm_flags[] = {FLAG_IF_MATCH, {0}};
static const struct flag preview_flags[] = {
    FLAG_TTL,      FLAG_OWNER,
    FLAG_PRESERVE, {.name = "print-request", .help = "print the request's JSON, send nothing"},
    {0},
};
static const struct flag explain_flags[] = {
    {.name = "header",
     .letter = 'H',
     .kind = VALUE_TEXT,
     .value = "'NAME: VALUE'",
     .repeats = true,
     .help = "a header field of the request"},
    {0},
};

#define FLAG_STORE                                                                                 \
    {                                                                                              \
        .name = "store", .kind = VALUE_STORE, .value = "WHICH",                                    \
        .help = "system, nss (browsers) or all (the default)"                                      \
    }
#define FLAG_ROOT                                                                                  \
    {                                                                                              \
        .name = "root", .kind = VALUE_FILE, .value = "FOLDER",                                     \
        .help = "the system below FOLDER instead of this one (images, chroots)"                    \
    }
static const struct flag trust_flags[] = {
    FLAG_STORE,
    FLAG_ROOT,
    {.name = "force", .help = "trust it although it is not limited to the edge's zone"},
    {0},
};
static const struct flag untrust_flags[] = {FLAG_STORE, FLAG_ROOT, {0}};
static const struct flag token_create_flags[] = {
    {.name = "scope",
     .kind = VALUE_SCOPE,
     .value = "SCOPE",
     .help = "read, session (make sessions, change one's own) or admin"},
    {.name = "name", .kind = VALUE_TEXT, .value = "NAME", .help = "whose it is: ci, peter"},
    {0},
};
static const struct flag doctor_flags[] = {
    {.name = "resolver",
     .kind = VALUE_TEXT,
     .value = "ADDRESS",
     .help = "ask this resolver instead of the machine's own"},
    {.name = "dns",
     .kind = VALUE_TEXT,
     .value = "ADDRESS",
     .help = "look at the edge's DNS there, whatever the zone's delegation says"},
    {.name = "session",
     .kind = VALUE_SESSION,
     .value = "NAME",
     .help = "look whether the services hand this session's context on"},
    {.name = "header",
     .letter = 'H',
     .kind = VALUE_TEXT,
     .value = "'NAME: VALUE'",
     .repeats = true,
     .help = "a header field of the request for that: a cookie, say"},
    {.name = "config",
     .letter = 'c',
     .kind = VALUE_FILE,
     .value = "FILE",
     .help = "the project file (linkup.yaml here or above)"},
    {0},
};
static const struct flag help_flags[] = {
    {.name = "mdoc", .no_env = true, .help = "the flags and commands as a man page has them"},
    {0},
};

const struct command commands[] = {
    {.name = "login",
     .operands = "",
     .help = "remember an edge, its token and its CA",
     .teach =
         "Asks for the token if none is given. Where the edge's certificate comes from its own\n"
         "CA, that CA's fingerprint is shown, and it is trusted by these commands (and by\n"
         "nothing else: see `linkup ca trust`) after a yes, with --trust-ca, or with the\n"
         "--fingerprint that the edge's operator told you.\n"
         "\n"
         "  linkup login --edge https://edge.dev.example.com\n"
         "  linkup login --edge https://edge.dev.example.com --token-file ci.token --trust-ca\n"
         "  linkup login --edge unix:/run/linkup/admin.sock",
     .flags = login_flags,
     .run = cmd_login},

    {.name = "sessions ls",
     .alias = "list",
     .operands = "",
     .help = "list the sessions",
     .teach = "In a pipe a line each: name, owner, services, when it expires (RFC 3339).\n"
              "\n"
              "  linkup sessions ls | cut -f1",
     .run = cmd_sessions_ls},

    {.name = "sessions create",
     .operands = "[NAME] [SERVICE=URL ...]",
     .max = OPERANDS_MANY,
     .first = VALUE_OVERRIDE,
     .rest = VALUE_OVERRIDE,
     .help = "make a session, print its URLs",
     .teach =
         "Services that are not named stay the shared ones. Without NAME the edge makes one up.\n"
         "SERVICE=tunnel is a service at the other end of its owner's tunnel. The URLs work\n"
         "when they are printed; in a pipe there is one a line.\n"
         "\n"
         "  linkup sessions create peter web=http://10.1.2.3:3000\n"
         "  linkup sessions create web=https://web-pr-12.example.net --ttl 2d\n"
         "  curl $(linkup sessions create api=h2c://10.1.2.3:9000 | head -n 1)",
     .flags = create_flags,
     .run = cmd_sessions_create},

    {.name = "sessions show",
     .operands = "NAME",
     .min = 1,
     .max = 1,
     .first = VALUE_SESSION,
     .help = "show one session",
     .run = cmd_sessions_show},

    {.name = "sessions set",
     .operands = "NAME [SERVICE=URL ...]",
     .min = 1,
     .max = OPERANDS_MANY,
     .first = VALUE_SESSION,
     .rest = VALUE_OVERRIDE,
     .help = "change a session, in force at once",
     .teach = "What is not named stays as it is. SERVICE=shared gives a service back.\n"
              "\n"
              "  linkup sessions set peter api=http://10.1.2.3:9000 web=shared\n"
              "  linkup sessions set peter --no-pin --ttl 1d",
     .flags = set_flags,
     .run = cmd_sessions_set},

    {.name = "sessions extend",
     .operands = "NAME",
     .min = 1,
     .max = 1,
     .first = VALUE_SESSION,
     .help = "give a session a new lifetime",
     .teach = "From now; without --ttl as long as it had.\n"
              "\n"
              "  linkup sessions extend peter --ttl 14d",
     .flags = extend_flags,
     .run = cmd_sessions_extend},

    {.name = "sessions rm",
     .alias = "delete",
     .operands = "NAME ...",
     .min = 1,
     .max = OPERANDS_MANY,
     .first = VALUE_SESSION,
     .rest = VALUE_SESSION,
     .help = "end sessions",
     .teach = "Each is tried; the exit code is that of the first that could not be ended.",
     .flags = rm_flags,
     .run = cmd_sessions_rm},

    {.name = "preview",
     .operands = "[NAME] SERVICE=URL ...",
     .min = 1,
     .max = OPERANDS_MANY,
     .first = VALUE_OVERRIDE,
     .rest = VALUE_OVERRIDE,
     .help = "make a preview session, or bring one up to date",
     .teach =
         "For CI: may be repeated. With NAME that session is made or replaced in place; without,\n"
         "the same overrides give the same name and URLs each time. --print-request shows what\n"
         "would be sent, for a job that has nothing but curl.\n"
         "\n"
         "  linkup preview pr-12 web=https://web-pr-12.example.net\n"
         "  linkup preview web=https://web-pr-12.example.net --print-request",
     .flags = preview_flags,
     .run = cmd_preview},

    {.name = "explain",
     .operands = "URL",
     .min = 1,
     .max = 1,
     .first = VALUE_TEXT,
     .help = "show how a request would be routed, rule by rule",
     .teach = "  linkup explain https://web.peter.dev.example.com/api/users\n"
              "  linkup explain https://api.dev.example.com/ -H 'baggage: linkup-session=peter'",
     .flags = explain_flags,
     .run = cmd_explain},

    {.name = "status",
     .operands = "",
     .help = "show the edge's version, workers, certificates and shared services",
     .run = cmd_status},

    {.name = "doctor",
     .operands = "[URL]",
     .max = 1,
     .first = VALUE_TEXT,
     .help = "find out what is wrong, and how to mend it",
     .teach = "Looks at the edge and its certificate, clocks, the token, versions; at the zone's\n"
              "delegation, its name servers over UDP and TCP, and at what this machine's resolver\n"
              "makes of a session's name; at whether tunnels get through; and at who listens at\n"
              "the local URLs of the project file. Ends with 1 if something is wrong.\n"
              "\n"
              "With a session, or a URL of one, it sends a request there and tells which service\n"
              "received the session's context and did not hand it on.\n"
              "\n"
              "  linkup doctor --dns 192.0.2.1      before the zone is delegated\n"
              "  linkup doctor --session peter\n"
              "  linkup doctor https://web.peter.dev.example.com/cart -H 'cookie: id=7'",
     .flags = doctor_flags,
     .run = cmd_doctor},

    {.name = "ca show",
     .operands = "",
     .help = "print the CA's certificate (PEM)",
     .teach =
         "On a terminal its fingerprint, names and validity stand beside it. No token is needed.\n"
         "\n"
         "  linkup ca show > ca.pem; curl --cacert ca.pem https://web.peter.dev.example.com/",
     .run = cmd_ca_show},

    {.name = "ca trust",
     .operands = "",
     .help = "trust the edge's CA on this machine, in browsers too",
     .teach =
         "Puts the certificate into the system's store (as root) and into the NSS databases of\n"
         "Chromium and Firefox below your home (with certutil), and says what it did. The CA is\n"
         "limited to the edge's zone; one that is not is refused without --force.\n"
         "\n"
         "  linkup ca trust\n"
         "  linkup ca trust --store nss",
     .flags = trust_flags,
     .run = cmd_ca_trust},

    {.name = "ca untrust",
     .operands = "",
     .help = "undo `ca trust`",
     .flags = untrust_flags,
     .run = cmd_ca_untrust},

    {.name = "token create",
     .operands = "",
     .help = "make a token, print it once",
     .teach = "The token is printed on standard output and cannot be shown again.\n"
              "\n"
              "  (umask 077; linkup token create --scope session --name ci > ci.token)",
     .flags = token_create_flags,
     .run = cmd_token_create},

    {.name = "token ls",
     .alias = "list",
     .operands = "",
     .help = "list the tokens, without their secrets",
     .run = cmd_token_ls},

    {.name = "token rm",
     .alias = "delete",
     .operands = "ID ...",
     .min = 1,
     .max = OPERANDS_MANY,
     .first = VALUE_TOKEN_ID,
     .rest = VALUE_TOKEN_ID,
     .help = "take tokens back, at once",
     .run = cmd_token_rm},

    {.name = "completion",
     .operands = "SHELL",
     .min = 1,
     .max = 1,
     .first = VALUE_SHELL,
     .help = "print the completion script for bash, zsh or fish",
     .teach = "  bash: source <(linkup completion bash)           in ~/.bashrc\n"
              "  zsh:  source <(linkup completion zsh)            in ~/.zshrc, after compinit\n"
              "  fish: linkup completion fish | source            in ~/.config/fish/config.fish",
     .run = cmd_completion},

    {.name = "help",
     .operands = "[COMMAND]",
     .max = 2,
     .first = VALUE_COMMAND,
     .rest = VALUE_NONE,
     .help = "explain a command",
     .flags = help_flags,
     .run = cmd_help},
    {0},
};

static const struct {
    const char *name, *help;
} groups[] = {
    {"sessions", "virtual copies of the system, in which some services are yours"},
    {"ca", "the edge's own certificate authority"},
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

const struct command *command_find(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0 || has_alias(c, span_str(name)))
            return c;
    return NULL;
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
