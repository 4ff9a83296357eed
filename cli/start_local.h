/* Sessions that live on this machine alone (local_edge.h), as the commands make and end them. */
#pragma once

#include "cli/start.h"

/* Brings P's session into force on the local edge; what that answers goes into the entry. One that was at the
 * zone's edge ends there. Where it is refused, what start_name has made is undone. */
enum exit_code start_local(struct cli *c, struct place *p, enum start_name how) MUST_USE;
/* The same for one that is in force already, after its entry has changed. */
enum exit_code start_local_again(struct cli *c, const struct place *p) MUST_USE;
/* Says where it is, and what is still missing for a browser to open its URLs. */
void start_local_tell(struct cli *c, const struct place *p);
/* Until this program is told to end (true), or the local edge has ended (false, and it is said). */
bool start_local_attend(struct cli *c, const struct place *p);
/* Ends the session on the local edge, and says where its names still lead. */
enum exit_code stop_local(struct cli *c, const char *session) MUST_USE;
/* A name of two words, which are enough where nobody else chooses. Kept by the run. */
const char *start_local_name(struct cli *c);
