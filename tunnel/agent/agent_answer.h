/* What comes back when an agent has asked for a tunnel: the switch to it, or why there is none. It is read as
 * the words of a stranger, for nobody knows yet what answers there. No connection, no clock. Private to the
 * folder. */
#pragma once

#include "sessions/session.h"
#include "tunnel/agent/agent.h"

/* Of a refusal's body: it is a problem document (RFC 9457), and what is longer is none. With a head before it, it
 * fits a connection's input. */
#define ANSWER_BODY_MAX ((size_t)16 * 1024)

enum answer_kind {
    ANSWER_MORE,   /* it is not whole */
    ANSWER_TUNNEL, /* what follows the head is HTTP/2 */
    ANSWER_NONE,   /* there is no tunnel */
};

/* What came of an asking, when it is no tunnel. */
enum link_failure {
    LINK_UNREACHED, /* no connection, or it broke */
    LINK_LATER,     /* the edge cannot now */
    LINK_REFUSED,   /* it will not */
};

struct agent_answer {
    enum answer_kind kind;
    size_t head_len;
    enum link_failure failure;          /* ANSWER_NONE */
    char session[SESSION_NAME_MAX + 1]; /* the one that is at fault; "": none is named */
    char why[AGENT_WHY_MAX];            /* printable ASCII */

    size_t scanned, need; /* private */
};

/* IN: all that has come so far, from the first byte on. EOF: nothing more will. To be called again with more
 * while it is ANSWER_MORE; A begins as zeroes. */
void agent_answer_read(struct agent_answer *a, struct span in, bool eof);
