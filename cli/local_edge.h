/* Sessions that live on this machine alone (`linkup start --local`): the local edge of their zone, which is
 * started with the first of them and ended with the last.
 *
 * It has the zone's names and a CA of its own. A session's local services are reached directly; every other
 * service at the zone's edge, whose shared copy it is: the settings (c->settings) say which edge that is. What
 * is kept is in local_place.h. Each of these functions holds the place for as long as it works, so that several
 * runs of linkup take turns. */
#pragma once

#include "cli/local_place.h"
#include "config/project.h"

struct local_wish {
    const char *session;
    const struct project *project;
    const char *const
        *local;     /* for each service of the project its URL here, or NULL: it is not local */
    uint16_t https; /* the port wanted; 0: one is chosen */
    const char *linkupd; /* the program; NULL: it is looked for */
};

/* Brings the session into force, or its changes: starts the local edge, or gives it what is new. *SESSION (kept
 * by the run) is as the local edge's API shows it. EXIT_MISSING: another project runs it, or the zone's edge
 * has a session of that name. */
enum exit_code local_edge_put(struct cli *c, const struct local_wish *w, json_t **session) MUST_USE;
/* Ends the session; with the last one the local edge ends, and of its files only the CA and the ports stay. One
 * that is not there is no error. */
enum exit_code local_edge_drop(struct cli *c, const char *zone, const char *session) MUST_USE;

struct local_view {
    struct local_place place;
    pid_t pid;       /* 0: the local edge does not run */
    json_t *session; /* as its API shows it; NULL: there is none. Kept by the run */
};

/* How it is with SESSION of ZONE. */
enum exit_code local_edge_look(struct cli *c, const char *zone, const char *session,
                               struct local_view *out) MUST_USE;
/* From now on this run speaks to the local edge of ZONE: c->settings are its admin socket's. *BEFORE gets those
 * there were. */
void local_edge_enter(struct cli *c, const struct local_place *p, struct settings *before);
void local_edge_leave(struct cli *c, const struct settings *before);
