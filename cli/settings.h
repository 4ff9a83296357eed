/* Which edge, with which token, trusting whom: from the flags, then the environment, then the login. */
#pragma once

#include <stdbool.h>

#include "cli/command.h"
#include "core/span.h"

struct cli;

struct settings {
    const char *edge;      /* as logins are kept under: "https://host[:port]" or "unix:/path" */
    const char *origin;    /* in front of a path: the same, or "http://localhost" */
    const char *host;      /* "edge.dev.example.com"; NULL over a socket */
    const char *zone;      /* HOST without its "edge."; NULL when it is not known */
    const char *unix_path; /* NULL: over TCP */
    const char *connect;   /* HOST:PORT to connect to instead, or NULL */
    struct span ca_pem;    /* trusted beside the system's roots; empty: none */
    char *token;           /* NULL: none */
    long timeout_s;
};

/* What a project file says, or what was kept with a session: it goes after the environment and before the
 * login. A token belongs to its edge and is used with no other. */
struct settings_hint {
    const char *edge;  /* NULL: none */
    const char *token; /* NULL: none */
};

/* Fills c->settings once; says what is wrong. */
enum exit_code settings_resolve(struct cli *c) MUST_USE;
/* The same, from --edge and without the login. */
enum exit_code settings_resolve_fresh(struct cli *c) MUST_USE;
/* Takes TEXT apart into S's edge, origin, host, zone and unix_path. On false *WHY is a sentence. */
bool settings_edge(struct cli *c, const char *text, struct settings *s, const char **why);
/* The token of the flags or the environment, not of the login; NULL in *TOKEN when there is none. What
 * stood in argv is overwritten. */
enum exit_code settings_given_token(struct cli *c, char **token) MUST_USE;
/* Wipes the token. */
void settings_deinit(struct settings *s);
