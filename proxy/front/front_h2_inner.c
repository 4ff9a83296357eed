#include "proxy/front/front_h2_inner.h"

#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"
#include "proxy/front/front_h2_guard.h"

/* The edge's end of a tunnel is never silent for longer, unless it has vanished (back_h2_deadline.c). */
#define TUNNEL_SILENCE_MS 12000

void front_h2_inner_take(struct front *f, struct span in)
{
    if (f->h2.ended)
        return;
    f->h2.round_ms = loop_now_ms(f->conn.shared->loop) + TUNNEL_SILENCE_MS;
    if (nghttp2_session_mem_recv(f->h2.session, (const uint8_t *)in.p, in.len) < 0)
        front_h2_end(f, NGHTTP2_PROTOCOL_ERROR);
}

/* Between workers nobody vanishes. */
void front_h2_inner_arm(struct front *f)
{
    uint64_t now = loop_now_ms(f->conn.shared->loop);
    if (f->h2.drain == DRAIN_NOTICED) {
        if (f->h2.wait != WAIT_FOR_NOTICE)
            conn_deadline_ms(&f->conn, front_h2_drain_ms(f));
        f->h2.wait = WAIT_FOR_NOTICE;
        return;
    }
    f->h2.wait = WAIT_FOR_REQUEST;
    if (f->kind == LISTEN_RELAY) {
        conn_deadline_off(&f->conn);
        return;
    }
    if (f->h2.round_ms == 0)
        f->h2.round_ms = now + TUNNEL_SILENCE_MS;
    conn_deadline_ms(&f->conn, f->h2.round_ms > now ? f->h2.round_ms - now : 1);
}

void front_h2_inner_deadline(struct front *f)
{
    if (f->h2.drain == DRAIN_NOTICED && !f->lingering && !f->h2.ended) {
        f->h2.wait = WAIT_FOR_REQUEST;
        front_h2_drain_last(f);
        return;
    }
    uint64_t now = loop_now_ms(f->conn.shared->loop);
    bool heard = f->kind == LISTEN_TUNNEL && f->h2.round_ms > now;
    if (heard && !f->lingering && !f->h2.ended)
        conn_deadline_ms(&f->conn, f->h2.round_ms - now);
    else
        front_h2_give_up(f, END_CLIENT_GONE);
}
