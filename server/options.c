#include "server/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "linkupd: the edge for shared development environments\n"
    "\n"
    "  linkupd --config FILE            run in the foreground\n"
    "  linkupd --check --config FILE    check the configuration: exit 0, or 1 and every error\n"
    "                                   with file, line and key\n"
    "  linkupd --dump --config FILE     print the effective configuration, defaults included\n"
    "  linkupd --help-config            every key, its type, default and meaning\n"
    "  linkupd --help-api               every call of the API\n"
    "  linkupd --help-metrics           every metric\n"
    "  linkupd --version\n"
    "\n"
    "The file may also be named by LINKUPD_CONFIG. A first one:\n"
    "\n"
    "  zone: dev.example.com            # its NS records point at this machine\n"
    "  addresses: [203.0.113.10]        # where the world reaches it\n"
    "  services:\n"
    "    - {name: web, url: \"http://web.internal:3000\"}\n"
    "\n"
    "Signals: HUP reads the file again and swaps if it is right, TERM drains and exits; a\n"
    "second TERM exits at once. Exit codes: 0 done, 1 the configuration or the machine does\n"
    "not allow it, 2 usage.\n"
    "\n"
    "The first start writes an admin token to <state>/admin.token; with it, or over the\n"
    "admin socket, `linkup` makes sessions:\n"
    "\n"
    "  linkup --edge unix:/run/linkup/admin.sock sessions create slim-gecko "
    "web=http://10.0.0.7:3000\n";

void options_print_help(void)
{
    fputs(help, stdout);
}

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, 'k'},
    {"dump", no_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {"help-api", no_argument, NULL, 'A'},
    {"help-config", optional_argument, NULL, 'H'},
    {"help-metrics", no_argument, NULL, 'M'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static bool usage(const char *why)
{
    fprintf(stderr, "linkupd: %s\nTry: linkupd --help\n", why);
    return false;
}

bool options_parse(int argc, char **argv, struct options *out)
{
    *out = (struct options){.action = ACTION_RUN, .config = getenv("LINKUPD_CONFIG")};
    int c;
    while ((c = getopt_long(argc, argv, "c:hV", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            out->config = optarg;
            break;
        case 'k':
            out->action = ACTION_CHECK;
            break;
        case 'd':
            out->action = ACTION_DUMP;
            break;
        case 'h':
            out->action = ACTION_HELP;
            return true;
        case 'H':
            if (optarg && strcmp(optarg, "mdoc") != 0)
                return usage("--help-config takes =mdoc or nothing");
            out->action = optarg ? ACTION_KEYS_MDOC : ACTION_KEYS;
            return true;
        case 'A':
            out->action = ACTION_CALLS;
            return true;
        case 'M':
            out->action = ACTION_METRICS;
            return true;
        case 'V':
            out->action = ACTION_VERSION;
            return true;
        default:
            return usage("wrong usage");
        }
    }
    if (optind < argc)
        return usage("unexpected argument");
    if (!out->config)
        return usage("--config FILE is missing");
    return true;
}
