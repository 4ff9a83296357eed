/* What `linkup login` keeps: login.json in $XDG_CONFIG_HOME/linkup (0600), a token and a CA for each
 * edge, and which edge is meant when none is named. */
#pragma once

#include "cli/command.h"
#include "core/arena.h"

struct cli;

struct login {
    const char *edge;    /* NULL: there is no such login */
    char *token;         /* NULL: none (an admin socket) */
    const char *connect; /* NULL: as the edge's name says */
    const char *ca_pem;  /* NULL: the system's roots */
};

/* The folder for our configuration, by the XDG base directory rules: a relative $XDG_CONFIG_HOME is
 * ignored, $HOME/.config stands in. NULL when there is no home either. ENV: getenv or a stand-in. */
const char *login_folder(struct arena *arena, char *(*env)(const char *name));

/* EDGE NULL: the one last logged in to. A damaged file is an error, a missing one is not. */
enum exit_code login_read(struct cli *c, const char *edge, struct login *out);
/* Adds or replaces the login of l->edge, which becomes the default. */
enum exit_code login_write(struct cli *c, const struct login *l);
