#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"

/* Backs have deadlines of their own, and a stream whose back is silent is no fault of the client. What is
 * looked for here is the client that leaves its own part undone: once in every round, and what else
 * happens on the connection does not put the round off. */
void front_h2_arm_deadline(struct front *f)
{
    if (f->h2.calmed)
        return;
    enum front_h2_wait wait = f->conn.starved      ? WAIT_FOR_ROOM
                              : f->h2.streams == 0 ? WAIT_FOR_REQUEST
                                                   : WAIT_FOR_ROUND;
    if (wait == f->h2.wait && wait != WAIT_FOR_REQUEST)
        return;
    f->h2.wait = wait;
    conn_deadline_ms(&f->conn, f->proxy->config->limits.idle_timeout_ms);
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
    return stands && x->upgrade != UPGRADE_DONE && (!x->h2.begun || x->collects || is_shut(f, x));
}

static void end_stalled(struct front *f)
{
    struct exchange *next;
    for (struct exchange *x = f->h2.exchanges; x; x = next) {
        next = x->h2.next;
        if (!is_stalled(f, x))
            continue;
        if (!x->h2.begun) { /* and no other frame may come before the rest of its head */
            front_h2_give_up(f, END_CLIENT_SLOW);
            return;
        }
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
    if (f->lingering || f->h2.calmed || stuck || (f->h2.going && f->h2.streams == 0))
        front_h2_give_up(f, END_CLIENT_SLOW);
    else if (f->h2.streams > 0)
        end_stalled(f);
    else
        front_h2_goaway(f);
}
