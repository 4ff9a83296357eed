/* Which session a command is about: the folder's own, or the one that --session names; on which edge, and what
 * the book and the project file say of it. */
#pragma once

#include "cli/book.h"
#include "cli/project_find.h"

struct place {
    const char *project; /* file's path, "": none; c->project is it, read */
    const char *asked;   /* --session, NULL: not given */
    json_t *entry;       /* of the book, kept by the run; NULL: not known yet */
    bool alone;          /* it is to be on this machine alone */
};

enum place_need {
    PLACE_PROJECT, /* a project file, unless the session is known to be of none */
    PLACE_ANY,
    PLACE_LENIENT, /* PLACE_ANY, and a project file that is damaged is said and passed over: to clean up */
};

/* Resolves the settings. */
enum exit_code place_find(struct cli *c, enum place_need need, struct place *p) MUST_USE;
/* Says that no session is started here, and which ones are. */
enum exit_code place_not_started(struct cli *c, const struct place *p);
/* A tunnel needs an edge over TLS, and a token. Says what is missing. */
enum exit_code place_check_edge(struct cli *c) MUST_USE;
