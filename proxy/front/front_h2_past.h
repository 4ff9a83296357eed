/* How the streams of a connection ended that are no more (RFC 9113 5.1).
 *
 * nghttp2 forgets a stream when it ends, and ignores what still comes for it. For a stream that we reset
 * that is the law: its client may not have heard yet. For one that the client itself has ended it is not:
 * more DATA or HEADERS is an error of the connection, STREAM_CLOSED, and a stream id that was passed
 * over can never be used, PROTOCOL_ERROR (5.1.1). Kept are the last streams we reset and the last gap: where
 * memory does not reach, what comes is ignored as before. Pure; one connection's. */
#pragma once

#include <stdint.h>

#define FRONT_H2_PAST_RESETS 16

struct front_h2_past {
    uint32_t last;                        /* the highest stream that was opened */
    uint32_t gap_first, gap_last;         /* passed over; 0: nothing */
    uint32_t reset[FRONT_H2_PAST_RESETS]; /* by us, a ring */
    uint32_t forgotten;                   /* the highest that fell out of it */
    uint8_t at;
};

/* HEADERS came for STREAM, which is odd and above all before. */
void front_h2_past_open(struct front_h2_past *p, uint32_t stream);
/* We have reset STREAM. */
void front_h2_past_reset(struct front_h2_past *p, uint32_t stream);
/* DATA or HEADERS came for STREAM, which is not above the last and not open: the connection error to
 * answer, or NGHTTP2_NO_ERROR to ignore it. */
uint32_t front_h2_past_judge(const struct front_h2_past *p, uint32_t stream);
