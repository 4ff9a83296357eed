/* What an HTTP/2 client costs without wanting anything for it.
 *
 * The protocol lets a peer send frames that ask for nothing and are work all the same: resets, pings,
 * settings, empty frames, windows opened by the byte (RFC 9113 10.5). One budget pays for them all, each
 * kind at its price. Time fills it up again, and so does useful work: answers given, bodies moved. A client
 * that works with the connection never comes near its end; one that plays with it is there after a few
 * thousand frames, whatever mixture it sends. Header blocks have bounds of their own: CONTINUATIONs,
 * encoded bytes, and how much more they say than they are long.
 *
 * The walk sees nine bytes of each frame and skips the rest; it runs ahead of nghttp2 by one frame's
 * header at most. Pure: no connection, no clock, no allocation. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/span.h"

/* The budget, in points. A frame that is pure noise costs about ten. */
#define FRONT_H2_POINTS 10000
#define FRONT_H2_POINTS_A_SECOND 500

/* What the sender of the frames does, in points. */
#define FRONT_H2_COST_PROVOKED 20   /* a stream that we had to reset */
#define FRONT_H2_COST_REFUSED 5     /* a stream beyond the limit, or after our GOAWAY */
#define FRONT_H2_COST_OVERSIZE 100  /* a head that is answered 431 or 414 */
#define FRONT_H2_COST_DRIBBLE 5     /* a window that lets a few bytes through */
#define FRONT_H2_EARN_ANSWER 20     /* a response that was given whole */
#define FRONT_H2_EARN_DATA 12       /* a DATA frame of a response */
#define FRONT_H2_EARN_BODY_SHIFT 10 /* a point a KiB of a request's body taken by a back */

struct front_h2_frame {
    uint32_t length;
    uint8_t type, flags;
    uint32_t stream;
    uint32_t first; /* DATA: its padding with the length of it; WINDOW_UPDATE: the increment */
};

struct front_h2_meter {
    int32_t points;
    const char *culprit; /* what spent the last of them; NULL: there are some left */
    uint64_t refilled_ms;
    uint32_t earned_bytes; /* less than one point's worth */

    uint32_t skip;         /* bytes to the next frame's header: payload, or the preface */
    uint8_t have;          /* of HEAD */
    uint8_t head[9 + 4];   /* a frame's header, and the payload's begin where it counts */
    bool more;             /* the header block goes on */
    uint8_t continuations; /* of it */
    uint16_t fields;
    uint32_t blocks;           /* that have begun */
    uint32_t encoded, decoded; /* its bytes */
};

void front_h2_meter_init(struct front_h2_meter *m, uint64_t now_ms);

/* Takes the bytes at the begin of IN that belong to one frame and returns how many they are (at least one
 * of a non-empty IN). *BEGUN: the frame's header became complete with them, and FRAME is filled in. */
size_t front_h2_meter_walk(struct front_h2_meter *m, struct span in, struct front_h2_frame *frame,
                           bool *begun);
/* Whether the next byte begins a frame. */
static inline bool front_h2_meter_between(const struct front_h2_meter *m)
{
    return m->skip == 0 && m->have == 0;
}

/* Whether a header block has begun and not ended: with its frame under way, or with another to come. */
bool front_h2_meter_in_head(const struct front_h2_meter *m);

/* Charges what FRAME costs by its header alone. */
void front_h2_meter_frame(struct front_h2_meter *m, const struct front_h2_frame *frame);
/* Charges for FRAME, which is thrown away: DATA of a stream that is no more. */
void front_h2_meter_lost(struct front_h2_meter *m, const struct front_h2_frame *frame);
/* Counts one decoded field of the present header block. */
void front_h2_meter_field(struct front_h2_meter *m, size_t name_len, size_t value_len);
/* WHAT is a literal, for the log. */
void front_h2_meter_charge(struct front_h2_meter *m, int32_t points, const char *what);
void front_h2_meter_earn(struct front_h2_meter *m, int32_t points);
/* N bytes of a request's body have been taken. */
void front_h2_meter_earn_body(struct front_h2_meter *m, size_t n);
void front_h2_meter_refill(struct front_h2_meter *m, uint64_t now_ms);
/* The connection is to be ended. It stays so. */
static inline bool front_h2_meter_spent(const struct front_h2_meter *m)
{
    return m->culprit != NULL;
}
