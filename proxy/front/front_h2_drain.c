#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"

/* The client is given so long to have heard of the notice; without its ping's answer by then, we go on. */
#define NOTICE_MS 1000
#define NOTICE_LAST_STREAM INT32_MAX

static const uint8_t ping_mark[8] = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

void front_h2_goaway(struct front *f)
{
    if (f->h2.drain != DRAIN_NOT)
        return;
    f->h2.drain = DRAIN_NOTICED;
    nghttp2_submit_shutdown_notice(f->h2.session);
    conn_flush_later(&f->conn);
}

uint64_t front_h2_drain_ms(const struct front *f)
{
    uint64_t idle_ms = f->proxy->config->limits.idle_timeout_ms;
    return idle_ms < NOTICE_MS ? idle_ms : NOTICE_MS;
}

void front_h2_drain_sent(struct front *f, const nghttp2_goaway *frame)
{
    /* Only now: nghttp2 sends a ping before what else waits, and its answer is to tell that the notice has
     * been read. */
    if (f->h2.drain == DRAIN_NOTICED && frame->last_stream_id == NOTICE_LAST_STREAM)
        nghttp2_submit_ping(f->h2.session, NGHTTP2_FLAG_NONE, ping_mark);
}

void front_h2_drain_heard(struct front *f, const nghttp2_ping *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) &&
        memcmp(frame->opaque_data, ping_mark, sizeof ping_mark) == 0)
        front_h2_drain_last(f);
}

void front_h2_drain_last(struct front *f)
{
    if (f->h2.drain != DRAIN_NOTICED)
        return;
    f->h2.drain = DRAIN_TOLD;
    nghttp2_submit_goaway(f->h2.session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(f->h2.session), NGHTTP2_NO_ERROR,
                          NULL, 0);
    conn_flush_later(&f->conn);
}
