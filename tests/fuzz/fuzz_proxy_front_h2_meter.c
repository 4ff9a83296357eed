/* The walk over HTTP/2 frames: in pieces of any size the same frames are found at the same places as at once,
 * all bytes are taken, and the budget comes out the same. The first byte is the size of the pieces. */
#include "core/mem.h"
#include "proxy/front/front_h2_meter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 4096

struct walked {
    struct front_h2_meter meter;
    struct front_h2_frame frames[FRAMES_MAX];
    size_t n;
};

static void take(struct walked *w, struct span piece)
{
    while (piece.len > 0 && w->n < FRAMES_MAX) {
        bool begun;
        struct front_h2_frame frame = {0};
        size_t n = front_h2_meter_walk(&w->meter, piece, &frame, &begun);
        CHECK(n > 0 && n <= piece.len);
        piece = span_from(piece, n);
        if (!begun)
            continue;
        front_h2_meter_frame(&w->meter, &frame);
        if (frame.type == 1 || frame.type == 9) /* HEADERS, CONTINUATION */
            front_h2_meter_field(&w->meter, frame.length, frame.flags);
        front_h2_meter_earn_body(&w->meter, frame.length);
        CHECK(w->meter.points <= FRONT_H2_POINTS);
        CHECK(w->meter.points > 0 || front_h2_meter_spent(&w->meter));
        w->frames[w->n++] = frame;
    }
}

static void walk(struct walked *w, struct span in, size_t step)
{
    w->n = 0;
    front_h2_meter_init(&w->meter, 0);
    w->meter.skip = 0; /* no preface: what matters comes behind it */
    for (size_t at = 0; at < in.len; at += step)
        take(w, span_sub(in, at, step));
}

static bool same(const struct front_h2_frame *a, const struct front_h2_frame *b)
{
    return a->length == b->length && a->type == b->type && a->flags == b->flags &&
           a->stream == b->stream && a->first == b->first;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct walked pieces, whole;
    if (size < 1)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    walk(&pieces, in, (size_t)data[0] + 1);
    walk(&whole, in, in.len + 1);
    CHECK(pieces.n == whole.n);
    for (size_t i = 0; i < whole.n; i++)
        CHECK(same(&pieces.frames[i], &whole.frames[i]));
    if (whole.n == FRAMES_MAX)
        return 0;
    CHECK(pieces.meter.skip == whole.meter.skip && pieces.meter.have == whole.meter.have);
    CHECK(pieces.meter.culprit == whole.meter.culprit);
    CHECK(front_h2_meter_in_head(&pieces.meter) == front_h2_meter_in_head(&whole.meter));
    return 0;
}
