#include "proxy/front/front_h2_meter.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "core/mem.h"
#include "proxy/head/message.h"

#define PREFACE_LEN 24 /* RFC 9113 3.4; whether it is one is nghttp2's to say */
#define FRAME_HEAD 9
#define FRAME_MAX 16384      /* what we let SETTINGS_MAX_FRAME_SIZE be */
#define PRIORITY_UPDATE 0x10 /* RFC 9218 7.1 */

/* A header block. What is refused for its size must still be decoded, for the sake of HPACK's state: these
 * are the bounds beyond which it is not worth that either. */
#define BLOCK_CONTINUATIONS 32
#define BLOCK_ENCODED_MAX (2 * HEAD_MAX)
#define BLOCK_FIELDS_MAX (5 * FIELDS_MAX)
/* How much a block that does not repeat itself can say: Huffman's shortest code has 5 bits of 8; and once
 * each, what lies in the dynamic table (4096 bytes) and the names of the static one. More is a bomb. */
#define BLOCK_DECODED_MAX(encoded) (2 * (size_t)(encoded) + 4096 + 8192)
#define SHORT_CONTINUATION 1024
#define SMALL_INCREMENT 128

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void front_h2_meter_init(struct front_h2_meter *m, uint64_t now_ms)
{
    *m = (struct front_h2_meter){
        .points = FRONT_H2_POINTS,
        .refilled_ms = now_ms,
        .skip = PREFACE_LEN,
    };
}

/* --- the walk ------------------------------------------------------------------------------------ */

/* How much of the frame that begins in HEAD is looked at. */
static uint8_t wanted(const struct front_h2_meter *m)
{
    if (m->have < FRAME_HEAD)
        return FRAME_HEAD;
    uint32_t length = be32(m->head) >> 8;
    if (m->head[3] == NGHTTP2_DATA && (m->head[4] & NGHTTP2_FLAG_PADDED) && length >= 1)
        return FRAME_HEAD + 1;
    if (m->head[3] == NGHTTP2_WINDOW_UPDATE && length == 4)
        return FRAME_HEAD + 4;
    return FRAME_HEAD;
}

static uint32_t first_of(const struct front_h2_meter *m)
{
    if (m->have == FRAME_HEAD + 1)
        return (uint32_t)m->head[FRAME_HEAD] + 1;
    if (m->have == FRAME_HEAD + 4)
        return be32(m->head + FRAME_HEAD) & 0x7fffffff;
    return 0;
}

static size_t skip(struct front_h2_meter *m, size_t there)
{
    size_t n = m->skip < there ? m->skip : there;
    m->skip -= (uint32_t)n;
    return n;
}

size_t front_h2_meter_walk(struct front_h2_meter *m, struct span in, struct front_h2_frame *frame,
                           bool *begun)
{
    *begun = false;
    if (m->skip > 0)
        return skip(m, in.len);
    size_t at = 0;
    for (uint8_t want; m->have < (want = wanted(m));) {
        size_t n = (size_t)(want - m->have) < in.len - at ? (size_t)(want - m->have) : in.len - at;
        if (n == 0)
            return at;
        memcpy(m->head + m->have, in.p + at, n);
        m->have = (uint8_t)(m->have + n);
        at += n;
    }
    *begun = true;
    *frame = (struct front_h2_frame){
        .length = be32(m->head) >> 8,
        .type = m->head[3],
        .flags = m->head[4],
        .stream = be32(m->head + 5) & 0x7fffffff,
        .first = first_of(m),
    };
    m->skip = frame->length - (uint32_t)(m->have - FRAME_HEAD);
    m->have = 0;
    return at + skip(m, in.len - at);
}

bool front_h2_meter_in_head(const struct front_h2_meter *m)
{
    bool of_head = m->head[3] == NGHTTP2_HEADERS || m->head[3] == NGHTTP2_CONTINUATION;
    return m->more || (of_head && m->skip > 0);
}

/* --- what it costs ------------------------------------------------------------------------------- */

void front_h2_meter_charge(struct front_h2_meter *m, int32_t points, const char *what)
{
    m->points -= points;
    if (m->points <= 0 && !m->culprit)
        m->culprit = what;
}

static int32_t kib(uint32_t bytes)
{
    return (int32_t)(bytes / 1024);
}

static void end_at_once(struct front_h2_meter *m, const char *what)
{
    front_h2_meter_charge(m, FRONT_H2_POINTS, what);
}

void front_h2_meter_earn(struct front_h2_meter *m, int32_t points)
{
    m->points = m->points > FRONT_H2_POINTS - points ? FRONT_H2_POINTS : m->points + points;
}

void front_h2_meter_earn_body(struct front_h2_meter *m, size_t n)
{
    size_t bytes = m->earned_bytes + n, points = bytes >> FRONT_H2_EARN_BODY_SHIFT;
    m->earned_bytes = (uint32_t)(bytes - (points << FRONT_H2_EARN_BODY_SHIFT));
    front_h2_meter_earn(m, points < FRONT_H2_POINTS ? (int32_t)points : FRONT_H2_POINTS);
}

void front_h2_meter_refill(struct front_h2_meter *m, uint64_t now_ms)
{
    uint64_t ms = now_ms - m->refilled_ms;
    uint64_t points = ms * FRONT_H2_POINTS_A_SECOND / 1000;
    if (points == 0)
        return; /* and the time is kept for the next */
    m->refilled_ms = now_ms;
    front_h2_meter_earn(m, points < FRONT_H2_POINTS ? (int32_t)points : FRONT_H2_POINTS);
}

static void count_block(struct front_h2_meter *m, const struct front_h2_frame *f)
{
    m->more = !(f->flags & NGHTTP2_FLAG_END_HEADERS);
    m->encoded += f->length;
    if (m->encoded > BLOCK_ENCODED_MAX)
        end_at_once(m, "header block");
}

static void count_continuation(struct front_h2_meter *m, const struct front_h2_frame *f)
{
    if (!m->more)
        return; /* an error, and nghttp2's */
    if (++m->continuations > BLOCK_CONTINUATIONS)
        end_at_once(m, "CONTINUATION");
    count_block(m, f);
    if (m->more && f->length < SHORT_CONTINUATION)
        front_h2_meter_charge(m, 5, "CONTINUATION");
}

void front_h2_meter_frame(struct front_h2_meter *m, const struct front_h2_frame *f)
{
    if (f->length > FRAME_MAX)
        return; /* an error, and nghttp2's */
    switch (f->type) {
    case NGHTTP2_DATA: {
        uint32_t padding = f->flags & NGHTTP2_FLAG_PADDED ? f->first : 0;
        if (f->length <= padding && !(f->flags & NGHTTP2_FLAG_END_STREAM))
            front_h2_meter_charge(m, 10, "empty DATA");
        return;
    }
    case NGHTTP2_HEADERS:
        m->blocks++;
        m->continuations = 0;
        m->fields = 0;
        m->encoded = m->decoded = 0;
        count_block(m, f);
        return;
    case NGHTTP2_CONTINUATION:
        count_continuation(m, f);
        return;
    case NGHTTP2_PRIORITY:
    case PRIORITY_UPDATE:
        front_h2_meter_charge(m, 2, "PRIORITY");
        return;
    case NGHTTP2_RST_STREAM:
        front_h2_meter_charge(m, 10, "RST_STREAM");
        return;
    case NGHTTP2_SETTINGS: /* each value may mean work on every stream */
        front_h2_meter_charge(m, 20 + 5 * (int32_t)(f->length / 6), "SETTINGS");
        return;
    case NGHTTP2_PING:
        front_h2_meter_charge(m, 10, "PING");
        return;
    case NGHTTP2_GOAWAY:
        front_h2_meter_charge(m, 100, "GOAWAY");
        return;
    case NGHTTP2_WINDOW_UPDATE:
        front_h2_meter_charge(m, f->first < SMALL_INCREMENT ? 4 : 1, "WINDOW_UPDATE");
        return;
    default: /* RFC 9113 5.5: ignored; browsers send some, so that they stay ignored */
        front_h2_meter_charge(m, 5 + kib(f->length), "unknown frames");
        return;
    }
}

void front_h2_meter_lost(struct front_h2_meter *m, const struct front_h2_frame *f)
{
    front_h2_meter_charge(m, 2 + kib(f->length), "DATA for streams that have ended");
}

void front_h2_meter_field(struct front_h2_meter *m, size_t name_len, size_t value_len)
{
    m->fields++;
    m->decoded += (uint32_t)(name_len + value_len);
    if (m->fields > BLOCK_FIELDS_MAX || m->decoded > BLOCK_DECODED_MAX(m->encoded))
        end_at_once(m, "header bomb");
}
