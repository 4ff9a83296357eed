/* The addresses of one backend as one worker sees them: which of them the next connection goes to.
 *
 * What the resolver gave is put in with endpoints_update: addresses known before keep their state, those
 * that are gone are dropped when nothing uses them any more. An address that failed ENDPOINT_EJECT_AFTER
 * times in a row is ejected: passed over for a time that doubles from one ejection to the next. It comes
 * back on probation (one more failure ejects it again) and slowly: it takes part in a share of the
 * choices that grows with time. Being ejected is a preference and no verdict: where all are, all are used.
 *
 * Pure but for memory: the time comes in as milliseconds of one monotonic clock, chance as a number.
 * Ports are no part of this: all addresses have port 0. One worker's thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"

#define ENDPOINTS_LISTED_MAX 8
#define ENDPOINT_EJECT_AFTER 3
#define ENDPOINT_EJECT_FIRST_MS 1000
#define ENDPOINT_EJECT_MOST_MS 10000
#define ENDPOINT_SLOW_START_MS 10000
/* Of the choices, at the moment of return, in percent. */
#define ENDPOINT_SLOW_START_SHARE 10

struct endpoint {
    struct endpoint *next;
    struct addr addr;
    unsigned holds;            /* by connections, idle ones, too, and attempts to connect */
    unsigned busy;             /* exchanges it works on */
    unsigned failures;         /* in a row */
    unsigned ejections;        /* without a long quiet time in between */
    uint64_t ejected_until_ms; /* 0: it is not, and does not come back from it */
    bool probation;            /* ejected, and no success since */
    bool listed;               /* the name leads to it */
};

struct endpoint_list {
    const struct addr *v;
    size_t n;
};

struct endpoints {
    struct endpoint *first; /* in the resolver's order, then those no longer listed */
    size_t n_listed;
    struct endpoint_list down; /* says the active check: not chosen; borrowed */
    uint64_t
        failing_since_ms; /* when the backend as a whole was first found out of reach; 0: it was not */
};

void endpoints_init(struct endpoints *e);
/* Nothing is held. */
void endpoints_deinit(struct endpoints *e);
/* The name now leads to the first ENDPOINTS_LISTED_MAX of V, best first. */
void endpoints_update(struct endpoints *e, const struct addr *v, size_t n);

struct endpoint_choice {
    uint64_t now_ms;
    uint32_t chance; /* evenly distributed over all its values */
    struct endpoint_list tried;
};

/* The least busy of those that are well, of the family that the resolver puts first; where none of
 * them is, one of the other family, then one that is ejected. NULL: all are down or tried. */
struct endpoint *endpoints_pick(struct endpoints *e, const struct endpoint_choice *c);
/* Whether there are addresses, and each of them is ejected or down. */
bool endpoints_all_out(const struct endpoints *e, uint64_t now_ms);
/* Neither ejected nor down, and the name leads to it. */
bool endpoint_is_well(const struct endpoints *e, const struct endpoint *p, uint64_t now_ms);
bool endpoint_is_ejected(const struct endpoint *p, uint64_t now_ms);

/* P stays where it is until the same number of endpoint_drop. */
void endpoint_hold(struct endpoint *p);
void endpoint_drop(struct endpoints *e, struct endpoint *p);

/* What became of an attempt. A failure: the connection was refused, timed out, or broke before the head
 * of a response; what the backend says, whatever its status, is a success. True: P is ejected by this. */
bool endpoint_failed(struct endpoints *e, struct endpoint *p, uint64_t now_ms);
void endpoint_succeeded(struct endpoints *e, struct endpoint *p, uint64_t now_ms);
/* No address could be reached, or the name has none. */
void endpoints_unreachable(struct endpoints *e, uint64_t now_ms);
/* Whether there is something that a new one would not know. */
bool endpoints_remember(const struct endpoints *e, uint64_t now_ms);
