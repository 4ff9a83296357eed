#include "proxy/back/back.h"
#include "proxy/back/back_h2.h"
#include "proxy/head/websocket.h"

/* --- asking -------------------------------------------------------------------------------------- */

/* RFC 8441 3: who has not said so must not be asked. */
static bool offers_connect(const struct back_h2 *b)
{
    return nghttp2_session_get_remote_settings(b->session,
                                               NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

static void send_elsewhere(struct back_stream *s)
{
    struct exchange *x = s->x;
    exchange_drop_back(x);
    back_detour(x);
}

bool back_h2_may_upgrade(struct back_stream *s)
{
    struct back_h2 *b = s->b;
    if (b->settled && offers_connect(b))
        return true;
    if (b->settled) {
        send_elsewhere(s);
        return false;
    }
    s->held = true;
    b->n_open++;
    back_h2_await(s);
    conn_flush_later(&b->conn);
    return false;
}

static struct back_stream *first_held(struct back_h2 *b)
{
    struct back_stream *s = b->streams;
    while (s && !s->held)
        s = s->next;
    return s;
}

void back_h2_settle(struct back_h2 *b)
{
    bool offers = offers_connect(b);
    b->pool->no_connect = !offers;
    for (struct back_stream *s; (s = first_held(b));) {
        if (!offers) {
            send_elsewhere(s);
            continue;
        }
        s->held = false;
        b->n_open--;
        back_h2_submit(s);
    }
}

enum err back_h2_take_upgrade(struct back_stream *s)
{
    if (s->x->upgrade != UPGRADE_ASKED || s->head.status / 100 != 2)
        return ERR_OK;
    s->head.body = BODY_STREAM; /* RFC 9110 9.3.6: whatever content-length says */
    return websocket_make_answer(&s->head, &s->x->request, &s->x->arena);
}

/* --- ends ---------------------------------------------------------------------------------------- */

void back_h2_tell_ends(struct back_h2 *b)
{
    struct back_stream *next;
    b->end_left = false;
    for (struct back_stream *s = b->streams; s; s = next) {
        next = s->next;
        if (!s->end_left)
            continue;
        s->end_left = false;
        s->x->request_ended = true;
        exchange_response_body(s->x);
        if (s->x && s->closed)
            back_h2_detach(s);
    }
}

void back_h2_upgraded_closed(struct back_stream *s)
{
    struct exchange *x = s->x;
    if (s->end_left)
        return; /* it is told at the end of the turn */
    back_h2_detach(s);
    if (x->request_ended)
        return;
    /* The backend has ended, and reads no more either. */
    x->request_ended = true;
    exchange_response_body(x);
}
