#include "proxy/front/front_h2_past.h"

#include <nghttp2/nghttp2.h>

void front_h2_past_open(struct front_h2_past *p, uint32_t stream)
{
    uint32_t next = p->last == 0 ? 1 : p->last + 2;
    if (stream > next) {
        p->gap_first = next;
        p->gap_last = stream - 2;
    }
    p->last = stream;
}

void front_h2_past_reset(struct front_h2_past *p, uint32_t stream)
{
    uint32_t *slot = &p->reset[p->at];
    p->at = (uint8_t)((p->at + 1) % FRONT_H2_PAST_RESETS);
    if (*slot > p->forgotten)
        p->forgotten = *slot;
    *slot = stream;
}

uint32_t front_h2_past_judge(const struct front_h2_past *p, uint32_t stream)
{
    if (stream >= p->gap_first && stream <= p->gap_last)
        return NGHTTP2_PROTOCOL_ERROR;
    if (stream <= p->forgotten)
        return NGHTTP2_NO_ERROR;
    for (unsigned i = 0; i < FRONT_H2_PAST_RESETS; i++)
        if (p->reset[i] == stream)
            return NGHTTP2_NO_ERROR;
    return NGHTTP2_STREAM_CLOSED;
}
