#include "cli/command_flags.h"

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

#define FLAG_CONFIG                                                                                \
    {                                                                                              \
        .name = "config", .letter = 'c', .kind = VALUE_FILE, .value = "FILE",                      \
        .help = "the project file (linkup.yaml in this folder or above it)"                        \
    }
#define FLAG_SESSION                                                                               \
    {                                                                                              \
        .name = "session", .kind = VALUE_OWN_SESSION, .value = "NAME",                             \
        .help = "this session instead of the folder's own"                                         \
    }
#define FLAG_FOREGROUND                                                                            \
    {                                                                                              \
        .name = "foreground", .help = "stay, show how it is, and stop it at the end (Ctrl-C)"      \
    }

const struct flag start_flags[] = {
    FLAG_CONFIG,
    FLAG_SESSION,
    FLAG_FOREGROUND,
    {.name = "local", .no_env = true, .help = "on this machine alone: the edge itself runs here"},
    {.name = "port",
     .kind = VALUE_TEXT,
     .value = "N",
     .no_env = true,
     .help = "with --local: HTTPS at this port (443 where it may be had, else from 8443 on)"},
    {.name = "linkupd",
     .kind = VALUE_FILE,
     .value = "FILE",
     .help = "with --local: the edge's program (beside this one, or in the PATH)"},
    {0},
};
const struct flag stop_flags[] = {
    FLAG_CONFIG,
    FLAG_SESSION,
    {.name = "all", .no_env = true, .help = "all sessions of this machine"},
    {.name = "forget", .no_env = true, .help = "and the name: the next start gets another one"},
    {0},
};
const struct flag route_flags[] = {
    FLAG_CONFIG,
    FLAG_SESSION,
    {.name = "all", .no_env = true, .help = "all services of the project"},
    {0},
};
const struct flag http_flags[] = {
    {.name = "service", .kind = VALUE_SERVICE, .value = "NAME", .help = "which service it is"},
    FLAG_SESSION,
    FLAG_FOREGROUND,
    {0},
};
const struct flag status_flags[] = {
    FLAG_CONFIG,
    FLAG_SESSION,
    {.name = "watch", .letter = 'w', .no_env = true, .help = "show it anew with each change"},
    {.name = "all", .no_env = true, .help = "the edge, too, though there are sessions here"},
    {0},
};
const struct flag login_flags[] = {
    {.name = "trust-ca", .help = "trust the edge's own CA without asking"},
    {.name = "fingerprint",
     .kind = VALUE_TEXT,
     .value = "SHA256",
     .help = "trust the edge's own CA if this is its fingerprint"},
    {0},
};
const struct flag create_flags[] = {
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
const struct flag set_flags[] = {
    FLAG_TTL,
    FLAG_OWNER,
    {.name = "pin", .help = "it stays until it is ended"},
    {.name = "no-pin", .help = "it expires again"},
    FLAG_PRESERVE,
    FLAG_IF_MATCH,
    {0},
};
const struct flag extend_flags[] = {FLAG_TTL, {0}};
const struct flag rm_flags[] = {FLAG_IF_MATCH, {0}};
const struct flag preview_flags[] = {
    FLAG_CONFIG,
    FLAG_TTL,
    FLAG_OWNER,
    FLAG_PRESERVE,
    {.name = "print-request", .help = "print the request's JSON, send nothing"},
    {0},
};
const struct flag explain_flags[] = {
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
#define FLAG_LOCAL_CA                                                                              \
    {                                                                                              \
        .name = "local", .no_env = true,                                                           \
        .help = "the CA of this machine's local edge, not the zone's"                              \
    }
const struct flag ca_show_flags[] = {FLAG_CONFIG, FLAG_LOCAL_CA, {0}};
const struct flag local_dns_flags[] = {FLAG_CONFIG, FLAG_ROOT, {0}};
const struct flag trust_flags[] = {
    FLAG_CONFIG,
    FLAG_LOCAL_CA,
    FLAG_STORE,
    FLAG_ROOT,
    {.name = "force", .help = "trust it although it is not limited to the edge's zone"},
    {0},
};
const struct flag untrust_flags[] = {FLAG_CONFIG, FLAG_LOCAL_CA, FLAG_STORE, FLAG_ROOT, {0}};
const struct flag token_create_flags[] = {
    {.name = "scope",
     .kind = VALUE_SCOPE,
     .value = "SCOPE",
     .help = "read, session (make sessions, change one's own) or admin"},
    {.name = "name", .kind = VALUE_TEXT, .value = "NAME", .help = "whose it is: ci, peter"},
    {0},
};
const struct flag doctor_flags[] = {
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
const struct flag help_flags[] = {
    {.name = "project", .no_env = true, .help = "the keys of a project file, linkup.yaml"},
    {.name = "mdoc", .no_env = true, .help = "the flags and commands as a man page has them"},
    {0},
};
