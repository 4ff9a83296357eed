/* The steps of making a session run from this machine, for `start`, `http` and what else makes one. */
#pragma once

#include "cli/place.h"

enum start_name {
    START_KNOWN, /* the book had it */
    START_ASKED, /* it is new in the book */
    START_MADE,  /* the same, and the edge has just made it, empty */
};

/* The session's name: the one asked for, the one that the book has, else one that the edge makes up. It is in the
 * book afterwards, and p->entry is it. */
enum exit_code start_name(struct cli *c, struct place *p, enum start_name *how) MUST_USE;
/* What start_name has made is no more: the edge refused the rest. Says what to do. */
void start_undo(struct cli *c, const struct place *p, enum start_name how, enum exit_code why);
/* Makes or replaces the session at the edge with BODY; what the edge answers goes into the entry. Where it is
 * refused, it is undone. */
enum exit_code start_register(struct cli *c, struct place *p, enum start_name how,
                              const json_t *body) MUST_USE;
/* Takes it out of the book: its next start gets another name. */
enum exit_code start_forget(struct cli *c, const struct place *p) MUST_USE;
/* Writes p->entry into the book. */
enum exit_code start_keep(struct cli *c, const struct place *p) MUST_USE;
/* Ends the session at the edge; one that has ended already is fine. */
enum exit_code start_end(struct cli *c, const char *session) MUST_USE;
