#include "cli/command_flags.h"

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

    {.name = "start",
     .operands = "[SERVICE ...]",
     .max = OPERANDS_MANY,
     .first = VALUE_SERVICE,
     .rest = VALUE_SERVICE,
     .help = "run this project's session from this machine",
     .teach =
         "Makes the session at the edge, opens a tunnel to it, writes env files, and prints what "
         "is\n"
         "where. The services that are named become local; all others stay as they were at the\n"
         "last start, the shared ones at first. A folder (a git worktree, say) has a session of "
         "its\n"
         "own, with the same name at every start. In a pipe one URL is printed a line.\n"
         "\n"
         "The tunnel is held in the background by an agent, one for all sessions of this machine.\n"
         "\n"
         "With --local there is no tunnel, and nobody else sees the session: the edge itself runs\n"
         "on this machine, with the same names. Local services are reached directly, without a\n"
         "network, too; all others at the zone's edge. `linkup local-dns install` and `linkup ca\n"
         "trust --local` let browsers find and trust it.\n"
         "\n"
         "  linkup start\n"
         "  linkup start web api\n"
         "  linkup start --session peter --foreground\n"
         "  linkup start --local web",
     .flags = start_flags,
     .run = cmd_start},

    {.name = "stop",
     .operands = "",
     .help = "undo `start`",
     .teach =
         "Ends the session at the edge, takes Linkup's lines out of env files, and closes the\n"
         "tunnel. The name and what was local are kept for the next start.",
     .flags = stop_flags,
     .run = cmd_stop},

    {.name = "route local",
     .operands = "SERVICE ...",
     .max = OPERANDS_MANY,
     .first = VALUE_SERVICE,
     .rest = VALUE_SERVICE,
     .help = "bring services on this machine into the session, at once",
     .teach = "They stay local over restarts, until `route remote`.\n"
              "\n"
              "  linkup route local web\n"
              "  linkup route local --all",
     .flags = route_flags,
     .run = cmd_route_local},

    {.name = "route remote",
     .operands = "SERVICE ...",
     .max = OPERANDS_MANY,
     .first = VALUE_SERVICE,
     .rest = VALUE_SERVICE,
     .help = "give services back to their shared copies, at once",
     .flags = route_flags,
     .run = cmd_route_remote},

    {.name = "http",
     .operands = "PORT",
     .min = 1,
     .max = 1,
     .first = VALUE_TEXT,
     .help = "bring what listens on a port into a session; needs no project file",
     .teach =
         "PORT may be a URL, too: h2c://localhost:9000. Without --session it is a session of its\n"
         "own, the same one each time.\n"
         "\n"
         "  linkup http 3000 --service web\n"
         "  linkup http 3000 --service web --session peter",
     .flags = http_flags,
     .run = cmd_http},

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
         "the same overrides give the same name and URLs each time. Where there is a project "
         "file,\n"
         "services that are not named have its `remote`, and its domains lead to them.\n"
         "--print-request shows what would be sent, for a job that has nothing but curl.\n"
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
     .help = "show the sessions of this machine, or else the edge",
     .teach =
         "Each service with its place, and whether it is well: all are asked at the same time, for "
         "2\n"
         "seconds at most. In a pipe a line each: session, service, place, health, URL, backend.\n"
         "Where no session is started, or with --all: the edge's version, workers, certificates "
         "and\n"
         "shared services. --json has all of it.\n"
         "\n"
         "  linkup status --watch",
     .flags = status_flags,
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
     .flags = ca_show_flags,
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

    {.name = "local-dns install",
     .operands = "[NAME ...]",
     .max = OPERANDS_MANY,
     .first = VALUE_OWN_SESSION,
     .rest = VALUE_OWN_SESSION,
     .help = "let this machine find local sessions by their names",
     .teach =
         "Points this machine's resolver (systemd-resolved, macOS's, dnsmasq) at the local edge's\n"
         "DNS, for the names of these sessions and for no others: names of other sessions, and\n"
         "the zone's own, are asked for as before. Without NAME: the sessions that are local now.\n"
         "It stays until `local-dns uninstall`, and needs root, for which it asks by sudo; "
         "without\n"
         "a terminal it says what is to be done.\n"
         "\n"
         "  linkup start --local && linkup local-dns install",
     .flags = local_dns_flags,
     .run = cmd_local_dns_install},

    {.name = "local-dns uninstall",
     .operands = "[NAME ...]",
     .max = OPERANDS_MANY,
     .first = VALUE_OWN_SESSION,
     .rest = VALUE_OWN_SESSION,
     .help = "undo `local-dns install`",
     .teach =
         "Takes away what was installed for these sessions, and nothing else. Without NAME: all\n"
         "that was installed for the zone.",
     .flags = local_dns_flags,
     .run = cmd_local_dns_uninstall},

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
