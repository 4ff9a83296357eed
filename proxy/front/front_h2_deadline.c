#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"

static enum front_h2_wait what_for(const struct front *f)
{
    if (f->h2.drain == DRAIN_NOTICED)
        return WAIT_FOR_NOTICE;
    if (f->conn.starved)
        return WAIT_FOR_ROOM;
    if (front_h2_meter_in_head(&f->h2.meter))
        return WAIT_FOR_HEAD;
    return f->h2.streams == 0 ? WAIT_FOR_REQUEST : WAIT_FOR_ROUND;
}

static bool is_another_head(const struct front *f, enum front_h2_wait wait)
{
    return wait == WAIT_FOR_HEAD && f->h2.waited_blocks != f->h2.meter.blocks;
}

/* Backs have deadlines of their own, and a stream whose back is silent is no fault of the client. What is
 * looked for here is the client that leaves its own part undone: once in every round, and what else
 * happens on the connection does not put the round off. */
void front_h2_arm_deadline(struct front *f)
{
    if (f->h2.calmed)
        return;
    enum front_h2_wait wait = what_for(f);
    if (wait == f->h2.wait && wait != WAIT_FOR_REQUEST && !is_another_head(f, wait))
        return;
    f->h2.wait = wait;
    f->h2.waited_blocks = f->h2.meter.blocks;
    const struct config_limits *limits = &f->proxy->config->limits;
    conn_deadline_ms(&f->conn, wait == WAIT_FOR_NOTICE ? front_h2_drain_ms(f)
                               : wait == WAIT_FOR_HEAD ? limits->header_timeout_ms
                                                       : limits->idle_timeout_ms);
}

/* The client gives the stream, or all of them, no window for what there is to send. */
static bool is_shut(struct front *f, const struct exchange *x)
{
    return x->head_sent && !x->h2.deferred &&
           (nghttp2_session_get_remote_window_size(f->h2.session) <= 0 ||
            nghttp2_session_get_stream_remote_window_size(f->h2.session, x->h2.stream) <= 0);
}

/* Whether X has waited for its client, and for nobody else, since the last round. A WebSocket's client may:
 * upgrade.c looks at it. */
static bool is_stalled(struct front *f, struct exchange *x)
{
    uint64_t moved = x->request_bytes + x->response_bytes;
    bool stands = x->h2.rounded && moved == x->h2.had_moved;
    x->h2.rounded = true;
    x->h2.had_moved = moved;
    return stands && x->upgrade != UPGRADE_DONE && (x->collects || is_shut(f, x));
}

static void end_stalled(struct front *f)
{
    struct exchange *next;
    for (struct exchange *x = f->h2.exchanges; x; x = next) {
        next = x->h2.next;
        if (!is_stalled(f, x))
            continue;
        if (x->collects) {
            exchange_refuse(x, PAGE_HEADER_TIMEOUT, NULL);
        } else {
            story_ends(&x->story, END_CLIENT_SLOW);
            front_h2_reset(f, x, NGHTTP2_CANCEL);
        }
    }
    f->h2.wait = WAIT_FOR_REQUEST;
    front_h2_arm_deadline(f);
}

static bool has_upgraded(const struct front *f)
{
    for (const struct exchange *x = f->h2.exchanges; x; x = x->h2.next)
        if (x->upgrade == UPGRADE_DONE)
            return true;
    return false;
}

void front_h2_deadline(struct conn *c)
{
    struct front *f = front_of(c);
    bool stuck = c->starved && !has_upgraded(f);
    bool over = f->h2.drain == DRAIN_TOLD && f->h2.streams == 0;
    if (f->lingering || f->h2.ended)
        front_h2_give_up(f, END_CLIENT_SLOW);
    else if (f->h2.drain == DRAIN_NOTICED)
        front_h2_drain_last(f);
    else if (stuck || over || f->h2.wait == WAIT_FOR_HEAD)
        front_h2_give_up(f, END_CLIENT_SLOW);
    else if (f->h2.streams > 0)
        end_stalled(f);
    else
        front_h2_goaway(f);
}
