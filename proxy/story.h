/* What an exchange went through: when it came how far, and how it ended. Written down by whoever knows, at
 * the moment it is known; read by the access log and the metrics. A few stores each, no call fails.
 *
 * For backs: story_attempt when a way to the backend begins (again, for a retry), story_mark as it
 * gets on, and `protocol` once it is known. For fronts: story_ends where the client is the cause,
 * before exchange_done. What nobody explains was complete, or is told as cut. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/loop.h"

/* Moments, in the order in which they come; those that did not come are 0. */
enum story_moment {
    MOMENT_ROUTED,    /* who shall answer is known */
    MOMENT_ATTEMPT,   /* the way to the backend begins: a pooled connection, or a new one */
    MOMENT_RESOLVED,  /* its name has addresses; not for addresses given, nor pooled ones */
    MOMENT_CONNECTED, /* TCP; not for pooled ones */
    MOMENT_SECURED,   /* TLS to the backend; not for pooled ones */
    MOMENT_SENT,      /* the request's head was given to the connection */
    MOMENT_HEAD,      /* the response's head is there */
    MOMENT_COUNT,
};

enum story_end {
    END_UNSAID,
    END_CLIENT_GONE,  /* its connection ended or broke */
    END_CLIENT_RESET, /* it reset its stream: `reset` has the code (RFC 9113 7) */
    END_CLIENT_SLOW,  /* it took nothing, or sent nothing, for too long */
    END_CLIENT_BAD,   /* it broke the protocol after its head */
    END_BACK_BROKE,   /* the backend broke the response off */
    END_BACK_SILENT,  /* the backend stopped in the response */
    END_LIMIT,        /* cut by a limit of the edge's */
    END_DRAIN,        /* the edge was stopped */
};

enum story_protocol { PROTOCOL_NONE, PROTOCOL_H1, PROTOCOL_H2, PROTOCOL_RAW };

struct story {
    uint64_t started_us;
    uint64_t at_us[MOMENT_COUNT];
    enum story_end end;
    uint32_t reset;               /* END_CLIENT_RESET: the code */
    enum story_protocol protocol; /* to the back */
    uint16_t attempts;            /* ways to a backend that were begun */
    bool pooled;                  /* the last of them was a connection that there was */
    bool secured;                 /* TLS to the back */
    bool fallback;                /* the shared copy answered for the session's own */
    uint16_t page;                /* of the edge's own: enum page_reason + 1; 0: none */
};

static inline void story_mark(struct story *s, enum story_moment m)
{
    s->at_us[m] = clock_us();
}

/* A way to a backend begins: what an earlier one had come to is forgotten. */
static inline void story_attempt(struct story *s, bool pooled)
{
    memset(s->at_us + MOMENT_ATTEMPT, 0, sizeof s->at_us - MOMENT_ATTEMPT * sizeof *s->at_us);
    story_mark(s, MOMENT_ATTEMPT);
    s->attempts++;
    s->pooled = pooled;
}

/* S waited for a connection, of whose opening WAY tells: what came of it meanwhile is S's, too. */
static inline void story_join(struct story *s, const struct story *way)
{
    for (int m = MOMENT_RESOLVED; m <= MOMENT_SECURED; m++)
        if (way->at_us[m] >= s->at_us[MOMENT_ATTEMPT])
            s->at_us[m] = way->at_us[m];
}

/* The first who knows says why. */
static inline void story_ends(struct story *s, enum story_end end)
{
    if (s->end == END_UNSAID)
        s->end = end;
}
