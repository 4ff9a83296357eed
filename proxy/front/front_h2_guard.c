#include "proxy/front/front_h2_guard.h"

#include "core/log.h"
#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"

/* For the GOAWAY to be sent to one who does not read. */
#define CALM_SEND_MS 2000
/* A DATA frame so small, because of the window, is one that the client has dribbled out of us. */
#define DRIBBLE 512

/* --- frames in ----------------------------------------------------------------------------------- */

static bool is_open(struct front *f, uint32_t stream)
{
    return nghttp2_session_find_stream(f->h2.session, (int32_t)stream) != NULL;
}

/* HEADERS that open no stream: trailers of an open one, or what comes for one that is no more. */
static uint32_t judge_late_headers(struct front *f, uint32_t stream)
{
    front_h2_meter_charge(&f->h2.meter, FRONT_H2_COST_REFUSED, "HEADERS");
    return is_open(f, stream) ? NGHTTP2_NO_ERROR : front_h2_past_judge(&f->h2.past, stream);
}

/* A stream counts until its reset has been sent, and a client may have heard nothing of the limit because
 * of streams that we have reset: they are not to bring it beyond. */
static void make_room(struct front *f)
{
    if (f->h2.streams >= f->proxy->config->limits.max_streams && !front_h2_send(f))
        f->h2.ended = true; /* the turn's flush finds it as broken */
}

static uint32_t judge_headers(struct front *f, uint32_t stream)
{
    if (stream % 2 == 0)
        return NGHTTP2_NO_ERROR; /* an error, and nghttp2's */
    if (stream <= f->h2.past.last)
        return judge_late_headers(f, stream);
    make_room(f);
    front_h2_past_open(&f->h2.past, stream);
    if (f->h2.drain == DRAIN_TOLD)
        f->h2.too_late = stream;
    return NGHTTP2_NO_ERROR;
}

/* The error with which FRAME ends the connection before nghttp2 sees it. */
static uint32_t judge(struct front *f, const struct front_h2_frame *frame)
{
    uint32_t stream = frame->stream;
    front_h2_meter_frame(&f->h2.meter, frame);
    if (frame->type == NGHTTP2_HEADERS)
        return judge_headers(f, stream);
    if (frame->type != NGHTTP2_DATA || stream % 2 == 0 || stream > f->h2.past.last ||
        is_open(f, stream))
        return NGHTTP2_NO_ERROR;
    front_h2_meter_lost(&f->h2.meter, frame);
    return front_h2_past_judge(&f->h2.past, stream);
}

static uint32_t error_of(ssize_t n)
{
    switch (n) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
        return NGHTTP2_ENHANCE_YOUR_CALM;
    case NGHTTP2_ERR_NOMEM:
    case NGHTTP2_ERR_CALLBACK_FAILURE:
        return NGHTTP2_INTERNAL_ERROR;
    default:
        return NGHTTP2_PROTOCOL_ERROR;
    }
}

/* A request that came behind the last stream which GOAWAY promised may be made again elsewhere, and its
 * client is told so (RFC 9113 6.8, 8.7); nghttp2 only ignores it. */
static void refuse_late(struct front *f)
{
    if (f->h2.too_late == 0 || !front_h2_meter_between(&f->h2.meter) || f->h2.meter.more)
        return;
    front_h2_meter_charge(&f->h2.meter, FRONT_H2_COST_REFUSED, "refused streams");
    front_h2_past_reset(&f->h2.past, f->h2.too_late);
    nghttp2_submit_rst_stream(f->h2.session, NGHTTP2_FLAG_NONE, (int32_t)f->h2.too_late,
                              NGHTTP2_REFUSED_STREAM);
    f->h2.too_late = 0;
}

static uint32_t feed(struct front *f, struct span part)
{
    ssize_t n = nghttp2_session_mem_recv(f->h2.session, (const uint8_t *)part.p, part.len);
    if (front_h2_meter_spent(&f->h2.meter))
        return NGHTTP2_ENHANCE_YOUR_CALM;
    if (n < 0)
        return error_of(n);
    refuse_late(f);
    return NGHTTP2_NO_ERROR;
}

/* The bytes of one frame, or a part of them. */
static uint32_t take_part(struct front *f, struct span *in)
{
    struct front_h2_frame frame;
    bool begun;
    size_t n = front_h2_meter_walk(&f->h2.meter, *in, &frame, &begun);
    uint32_t why = begun ? judge(f, &frame) : NGHTTP2_NO_ERROR;
    if (front_h2_meter_spent(&f->h2.meter))
        why = NGHTTP2_ENHANCE_YOUR_CALM;
    if (why == NGHTTP2_NO_ERROR)
        why = feed(f, span_sub(*in, 0, n));
    *in = span_from(*in, n);
    return why;
}

void front_h2_take(struct front *f, struct span in)
{
    if (f->h2.ended)
        return;
    front_h2_meter_refill(&f->h2.meter, loop_now_ms(f->conn.shared->loop));
    while (in.len > 0) {
        uint32_t why = take_part(f, &in);
        if (why != NGHTTP2_NO_ERROR) {
            front_h2_end(f, why);
            return;
        }
    }
}

/* --- the end ------------------------------------------------------------------------------------- */

static void tell_calm(struct front *f)
{
    char text[ADDR_TEXT_MAX];
    const char *what = f->h2.meter.culprit ? f->h2.meter.culprit : "acknowledgements owed";
    metrics_add(f->proxy->metrics, METRIC_H2_CALMED, 1);
    LOG(LOG_INFO, "h2_calmed", LOG_S("client", addr_ip_text(&f->client, text)),
        LOG_S("flood", what));
}

void front_h2_end(struct front *f, uint32_t code)
{
    f->h2.ended = true;
    nghttp2_session_terminate_session(f->h2.session, code);
    conn_flush_later(&f->conn);
    if (code != NGHTTP2_ENHANCE_YOUR_CALM)
        return;
    f->h2.calmed = true;
    tell_calm(f);
    front_h2_end_all(f, END_LIMIT);
    conn_stop_reading(&f->conn);
    conn_deadline_ms(&f->conn, CALM_SEND_MS);
}

void front_h2_calm_drained(struct front *f)
{
    f->lingering = true;
    conn_shutdown_write(&f->conn);
    conn_deadline_ms(&f->conn, LINGER_UNREAD_MS);
}

/* --- what nghttp2 tells -------------------------------------------------------------------------- */

int front_h2_guard_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error,
                           void *user)
{
    (void)session;
    struct front *f = user;
    if (error == NGHTTP2_ERR_FLOW_CONTROL && frame->hd.stream_id > 0)
        f->h2.overflows++;
    if (error != NGHTTP2_ERR_REFUSED_STREAM)
        return 0;
    /* Charged here and not when the reset is sent, which a client that does not read can put off. Other
     * resets wait in their streams, of which there is a limited number. */
    front_h2_past_reset(&f->h2.past, (uint32_t)frame->hd.stream_id);
    front_h2_meter_charge(&f->h2.meter, FRONT_H2_COST_REFUSED, "refused streams");
    return 0;
}

/* WINDOW_UPDATE that opens a stream's window too far is that stream's error; nghttp2 tells of it first. SETTINGS
 * that do so are the connection's (RFC 9113 6.9.2), and so may be DATA beyond what we let in (5.4.2). */
static void count_overflow(struct front *f)
{
    if (f->h2.overflows > 0) {
        f->h2.overflows--;
        return;
    }
    f->h2.ended = true;
    nghttp2_session_terminate_session(f->h2.session, NGHTTP2_FLOW_CONTROL_ERROR);
}

/* A client that makes mistakes for us to answer with resets works its way around the count of its own
 * ("MadeYouReset"). What a backend or we ourselves broke off is not its fault. */
static void count_reset(struct front *f, const nghttp2_frame *frame)
{
    if (frame->rst_stream.error_code == NGHTTP2_REFUSED_STREAM)
        return; /* counted when it was refused */
    front_h2_past_reset(&f->h2.past, (uint32_t)frame->hd.stream_id);
    if (frame->rst_stream.error_code == NGHTTP2_FLOW_CONTROL_ERROR)
        count_overflow(f);
    switch (frame->rst_stream.error_code) {
    case NGHTTP2_NO_ERROR:
    case NGHTTP2_INTERNAL_ERROR:
    case NGHTTP2_CANCEL:
        return;
    default:
        front_h2_meter_charge(&f->h2.meter, FRONT_H2_COST_PROVOKED, "resets provoked");
    }
}

static bool is_shut(struct front *f, int32_t stream)
{
    return nghttp2_session_get_stream_remote_window_size(f->h2.session, stream) <= 0 ||
           nghttp2_session_get_remote_window_size(f->h2.session) <= 0;
}

void front_h2_guard_sent(struct front *f, const nghttp2_frame *frame)
{
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_RST_STREAM:
        count_reset(f, frame);
        return;
    case NGHTTP2_HEADERS:
        if (ends)
            front_h2_meter_earn(&f->h2.meter, FRONT_H2_EARN_ANSWER);
        return;
    case NGHTTP2_DATA:
        if (ends)
            front_h2_meter_earn(&f->h2.meter, FRONT_H2_EARN_ANSWER);
        else if (frame->hd.length < DRIBBLE && is_shut(f, frame->hd.stream_id))
            front_h2_meter_charge(&f->h2.meter, FRONT_H2_COST_DRIBBLE, "WINDOW_UPDATE");
        else
            front_h2_meter_earn(&f->h2.meter, FRONT_H2_EARN_DATA);
        return;
    default:
        return;
    }
}
