#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"
#include "proxy/front/front_h2_inner.h"

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

/* From one look to the next. */
static uint64_t round_ms(const struct front *f)
{
    const struct config_limits *l = &f->proxy->config->limits;
    bool rated = l->min_request_rate > 0 || l->min_response_rate > 0;
    return rated && l->rate_grace_ms < l->idle_timeout_ms ? l->rate_grace_ms : l->idle_timeout_ms;
}

/* To the next look: what else is waited for meanwhile does not put it off. */
static uint64_t to_round_ms(struct front *f)
{
    uint64_t now = loop_now_ms(f->proxy->conns.loop);
    if (f->h2.round_ms == 0)
        f->h2.round_ms = now + round_ms(f);
    return f->h2.round_ms > now ? f->h2.round_ms - now : 1;
}

static uint64_t wait_ms(struct front *f, enum front_h2_wait wait)
{
    const struct config_limits *l = &f->proxy->config->limits;
    switch (wait) {
    case WAIT_FOR_NOTICE:
        return front_h2_drain_ms(f);
    case WAIT_FOR_HEAD:
        return l->header_timeout_ms;
    case WAIT_FOR_ROOM:
        return front_pace_await_room(f);
    case WAIT_FOR_ROUND:
        return to_round_ms(f);
    case WAIT_FOR_REQUEST:
        break;
    }
    return l->idle_timeout_ms;
}

/* Backs have deadlines of their own, and a stream whose back is silent is no fault of the client. What is
 * looked for here is the client that leaves its own part undone: once in every round, and what else
 * happens on the connection does not put the round off. */
void front_h2_arm_deadline(struct front *f)
{
    if (f->h2.calmed)
        return;
    if (listen_is_inner(f->kind)) {
        front_h2_inner_arm(f);
        return;
    }
    enum front_h2_wait wait = what_for(f);
    if (wait == f->h2.wait && wait != WAIT_FOR_REQUEST && !is_another_head(f, wait))
        return;
    f->h2.wait = wait;
    f->h2.waited_blocks = f->h2.meter.blocks;
    if (f->h2.streams == 0)
        f->h2.round_ms = 0;
    conn_deadline_ms(&f->conn, wait_ms(f, wait));
}

void front_h2_has_room(struct front *f)
{
    if (f->h2.wait != WAIT_FOR_ROOM)
        return;
    front_pace_has_room(f);
    f->h2.wait = WAIT_FOR_REQUEST;
}

/* The client takes something all the same, if slowly. */
static bool may_wait_longer(struct front *f)
{
    uint64_t ms = f->h2.wait == WAIT_FOR_ROOM ? front_pace_await_longer(f) : 0;
    if (ms > 0)
        conn_deadline_ms(&f->conn, ms);
    return ms > 0;
}

/* The client gives the stream, or all of them, no window for what there is to send. */
static bool is_shut(struct front *f, const struct exchange *x)
{
    return x->head_sent && !x->h2.deferred &&
           (nghttp2_session_get_remote_window_size(f->h2.session) <= 0 ||
            nghttp2_session_get_stream_remote_window_size(f->h2.session, x->h2.stream) <= 0);
}

/* The back, if there is one already, has taken what came of X's body, and waits for more. */
static bool owes_body(const struct exchange *x)
{
    return !x->h2.body_ended && buf_len(&x->h2.body) == 0 && front_pace_owes_body(x);
}

/* Whether too little of what was DUE in this round, and in the last one, has MOVED. */
static bool is_slow(struct front *f, struct rate *r, const struct rate_limit *l, uint64_t moved,
                    bool due)
{
    uint64_t now = loop_now_ms(f->proxy->conns.loop);
    rate_moved(r, l, moved);
    bool late = due && rate_left_ms(r, l, now) == 0;
    rate_set_due(r, now, due);
    return late;
}

/* Whether X has waited for its client, and for nobody else, since the last round, or for too long altogether.
 * A WebSocket's client may be as slow as it likes: upgrade.c looks at it. */
static bool is_stalled(struct front *f, struct exchange *x)
{
    const struct rate_limit request = front_pace_request(f->proxy);
    const struct rate_limit response = front_pace_response(f->proxy);
    uint64_t in = x->request_bytes + buf_len(&x->h2.body), out = x->response_bytes;
    uint64_t new_in = in - x->h2.had_in, new_out = out - x->h2.had_out;
    bool moved = !x->h2.rounded || new_in > 0 || new_out > 0;
    x->h2.still = moved ? 0 : x->h2.still + 1;
    bool stands = x->h2.still * round_ms(f) >= f->proxy->config->limits.idle_timeout_ms;
    if (!x->h2.rounded) {
        rate_init(&x->h2.in, &request);
        rate_init(&x->h2.out, &response);
    }
    x->h2.rounded = true;
    x->h2.had_in = in;
    x->h2.had_out = out;
    if (x->upgrade == UPGRADE_DONE)
        return false;
    bool slow_in = is_slow(f, &x->h2.in, &request, new_in, owes_body(x));
    bool slow_out = is_slow(f, &x->h2.out, &response, new_out, is_shut(f, x));
    return slow_in || slow_out || (stands && (x->collects || is_shut(f, x)));
}

static void end_stalled(struct front *f)
{
    struct exchange *next;
    for (struct exchange *x = f->h2.exchanges; x; x = next) {
        next = x->h2.next;
        if (!is_stalled(f, x))
            continue;
        front_pace_count(f->proxy);
        if (!x->head_sent) {
            exchange_refuse(x, PAGE_HEADER_TIMEOUT, NULL);
        } else {
            story_ends(&x->story, END_CLIENT_SLOW);
            front_h2_reset(f, x, NGHTTP2_CANCEL);
        }
    }
    f->h2.wait = WAIT_FOR_REQUEST;
    f->h2.round_ms = 0;
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
    if (listen_is_inner(f->kind)) {
        front_h2_inner_deadline(f);
        return;
    }
    bool stuck = c->starved && !has_upgraded(f);
    bool over = f->h2.drain == DRAIN_TOLD && f->h2.streams == 0;
    if (f->lingering || f->h2.ended) {
        front_h2_give_up(f, END_CLIENT_SLOW);
    } else if (f->h2.drain == DRAIN_NOTICED) {
        f->h2.wait =
            WAIT_FOR_REQUEST; /* what was waited for before the notice is waited for again */
        front_h2_drain_last(f);
    } else if (stuck && may_wait_longer(f)) {
        return;
    } else if (stuck || over || f->h2.wait == WAIT_FOR_HEAD) {
        if (f->h2.streams > 0)
            front_pace_count(f->proxy);
        front_h2_give_up(f, END_CLIENT_SLOW);
    } else if (f->h2.streams > 0) {
        end_stalled(f);
    } else {
        front_h2_goaway(f);
    }
}
