/* Where the local edge of a zone is kept: a folder of its own below our state folder, and the ports that it
 * was given. They are chosen once and kept, so that URLs, and what points resolvers here, stay right.
 *
 * One local edge serves all sessions that are local on this machine and of one zone. */
#pragma once

#include <stdint.h>

#include "cli/cli.h"

struct local_place {
    const char *zone;
    const char *folder;
    const char *config;   /* linkupd's */
    const char *state;    /* linkupd's: its CA, keys and sessions; it outlives the edge */
    const char *own_ca;   /* in there: the CA's certificate */
    const char *socket;   /* its admin socket */
    const char *notify;   /* a socket where it says that it is ready */
    const char *lock;     /* held by the running edge; holds its process id */
    const char *log;      /* its standard error */
    const char *ports;    /* which it was given */
    const char *services; /* those that the zone's edge was last seen to have */
    const char *ca; /* the authority of the zone's edge, where it is not one of the system's */
    const char *sessions; /* a folder: what each local session needs */
    uint16_t https, dns;  /* on 127.0.0.1; 0: not chosen yet */
    uint16_t http;        /* redirects; 0: none */
};

/* The place for ZONE, and the ports chosen for it before. Nothing is made. */
enum exit_code local_place_find(struct cli *c, const char *zone, struct local_place *out) MUST_USE;
/* Makes the folders, and sees to it that there are ports: those kept, else free ones; HTTPS at WANTED (0:
 * 443 where this user may have it and it is free, else from 8443 on). Says what has changed. CHECKED: nothing
 * of ours runs, so those kept must be free. */
enum exit_code local_place_prepare(struct cli *c, struct local_place *p, uint16_t wanted,
                                   bool checked) MUST_USE;
/* The names of the sessions that are local, sorted: an array, kept by the run. */
json_t *local_place_sessions(struct cli *c, const struct local_place *p);
/* The file that keeps what SESSION needs. */
const char *local_place_session(struct cli *c, const struct local_place *p, const char *session);

/* TEXT into PATH, for this user only; says what is wrong. */
enum exit_code local_write(struct cli *c, const char *path, const char *text) MUST_USE;
/* PATH as JSON, kept by the run; NULL when it is not there or is damaged. */
json_t *local_read_json(struct cli *c, const char *path);
enum exit_code local_write_json(struct cli *c, const char *path, const json_t *json) MUST_USE;
