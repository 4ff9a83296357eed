#include "proxy/front/front_h1.h"
#include "proxy/h1/write.h"

static void end_response(struct front *f)
{
    struct exchange *x = f->h1.x;
    f->h1.x = NULL;
    exchange_done(x);
    bool last = f->conn.eof && buf_len(&f->conn.in) == 0; /* see may_answer */
    if (!f->h1.body_ended || f->h1.close || last) {
        front_h1_finish(f);
        return;
    }
    front_h1_wait_idle(f);
    /* A pipelined request is taken up at the end of the turn. */
    conn_flush_later(&f->conn);
}

/* A chunk's header and the CRLF behind its data. */
#define CHUNK_OVERHEAD 20

/* Takes the front part of S, at most ROOM bytes, into the staging buffer, or past it when it is large
 * and nothing stands before it. How many bytes were taken. */
static size_t stage(struct front *f, struct span s, size_t room)
{
    struct buf *staging = &f->proxy->staging;
    if (!f->h1.framed && buf_len(staging) == 0 && s.len >= TLS_RECORD_MAX / 2) {
        s = span_sub(s, 0, room);
        conn_write(&f->conn, s);
        return s.len;
    }
    if (buf_len(staging) + CHUNK_OVERHEAD >= TLS_RECORD_MAX)
        front_write_staged(f);
    s = span_sub(s, 0, TLS_RECORD_MAX - CHUNK_OVERHEAD - buf_len(staging));
    char header[18];
    size_t header_len = f->h1.framed ? h1_chunk_header(header, s.len) : 0;
    /* The staging buffer has room for a record and a head: these cannot fail. */
    enum err e = buf_append(staging, span_of(header, header_len));
    CHECK(e == ERR_OK);
    e = buf_append(staging, s);
    CHECK(e == ERR_OK);
    e = buf_append(staging, f->h1.framed ? SPAN_LIT("\r\n") : span_of(NULL, 0));
    CHECK(e == ERR_OK);
    return s.len;
}

static bool at_end(struct front *f)
{
    if (!f->h1.framed)
        return true;
    return h1_write_last_chunk(&f->proxy->staging, &f->h1.x->response_trailers) == ERR_OK;
}

/* A WebSocket's client may read as slowly as it likes. */
static void wait_for_room(struct front *f)
{
    if (f->h1.x->upgrade != UPGRADE_DONE && !f->out.due)
        front_h1_wait_ms(f, front_pace_await_room(f));
}

/* Moves the body from the back until it has no more for now or the client takes no more. Whether the
 * response has ended. */
static bool pull(struct front *f)
{
    struct exchange *x = f->h1.x;
    for (;;) {
        bool end = false;
        struct span s = exchange_peek(x, &end);
        if (s.len == 0)
            return end && at_end(f);
        size_t room = conn_room(&f->conn);
        if (room == 0) {
            wait_for_room(f);
            return false;
        }
        size_t taken = stage(f, s, room);
        exchange_consume(x, taken);
        if (end && taken == s.len)
            return at_end(f);
    }
}

/* Passes the end of a WebSocket's response on. Whether nothing is left to wait for. */
static bool end_upgraded(struct front *f)
{
    struct exchange *x = f->h1.x;
    if (!x->response_ended && !x->request_ended)
        conn_want_drained(&f->conn);
    x->response_ended = true;
    return x->request_ended;
}

void front_h1_move_body(struct front *f)
{
    if (exchange_bodyless(f->h1.x)) {
        front_write_staged(f);
        end_response(f);
        return;
    }
    bool ended = pull(f);
    front_write_staged(f);
    if (ended && (f->h1.x->upgrade != UPGRADE_DONE || end_upgraded(f)))
        end_response(f);
}

/* How this response is framed towards this client. */
static struct span frame_response(struct front *f, struct response_head *h)
{
    struct exchange *x = f->h1.x;
    f->h1.framed = false;
    if (!x->request.keep_alive || x->close_front || f->proxy->draining || !h->keep_alive)
        f->h1.close = true;
    bool streams = h->body == BODY_CHUNKED || h->body == BODY_STREAM;
    if (streams && !exchange_bodyless(x)) {
        if (x->request.http10)
            f->h1.close = true; /* the end of the connection ends the body */
        else
            f->h1.framed = true;
        h->body = f->h1.framed ? BODY_CHUNKED : BODY_STREAM;
    }
    if (h->body == BODY_NONE && h->status >= 200 && !exchange_bodyless(x)) {
        h->body = BODY_LENGTH; /* without a length it would last until the end of the connection */
        h->content_length = 0;
    }
    /* What came behind a request for an upgrade was perhaps meant for that, and is no request. */
    bool guessed = x->request.upgrade.len > 0 && buf_len(&f->conn.in) > 0;
    if (!f->h1.body_ended || guessed)
        f->h1.close = true;
    if (f->h1.close)
        return SPAN_LIT("close");
    if (h->status == 426) /* RFC 9110 15.5.22 */
        return SPAN_LIT("upgrade");
    return x->request.http10 ? SPAN_LIT("keep-alive") : span_of(NULL, 0);
}

/* From here on the connection is no HTTP any more, and never again. */
static struct span open_upgraded(struct front *f)
{
    f->h1.framed = f->h1.body_ended = false;
    f->h1.close = true;
    conn_keep_alive(&f->conn);
    return SPAN_LIT("upgrade");
}

void front_h1_head(struct exchange *x)
{
    struct front *f = x->front;
    CHECK(buf_len(&f->proxy->staging) == 0); /* what is in it would be another client's */
    struct response_head *h = &x->response;
    /* A back that closes says nothing about this connection. */
    h->keep_alive = true;
    struct span connection = x->upgrade == UPGRADE_DONE ? open_upgraded(f) : frame_response(f, h);
    h->http10 = x->request.http10;
    if (h1_write_response(&f->proxy->staging, h, connection) != ERR_OK) {
        buf_clear(&f->proxy->staging);
        front_h1_give_up(f, END_LIMIT);
        return;
    }
    front_h1_wait_no_more(f);
    front_h1_move_body(f);
}

void front_h1_interim(struct exchange *x, const struct response_head *h)
{
    struct front *f = x->front;
    if (x->request.http10) /* RFC 9110 15.2 */
        return;
    CHECK(buf_len(&f->proxy->staging) == 0);
    if (h1_write_response(&f->proxy->staging, h, span_of(NULL, 0)) == ERR_OK)
        front_write_staged(f);
    buf_clear(&f->proxy->staging);
}

/* Who sends more before it has read the 101 cannot know that its connection is another's then. */
bool front_h1_hand_over(struct exchange *x, conn_taker *take, void *ctx)
{
    struct front *f = x->front;
    struct conn *c = &f->conn;
    if (!f->h1.body_ended || buf_len(&c->in) > 0 || c->eof || c->broken != ERR_OK ||
        f->proxy->draining)
        return false;
    CHECK(buf_len(&f->proxy->staging) == 0);
    if (h1_write_response(&f->proxy->staging, &x->response, SPAN_LIT("upgrade")) != ERR_OK) {
        buf_clear(&f->proxy->staging);
        return false;
    }
    front_write_staged(f);
    f->h1.x = NULL;
    exchange_done(x);
    front_hand_over(f, take, ctx);
    return true;
}

void front_h1_response_body(struct exchange *x)
{
    front_h1_move_body(x->front);
}

/* The framing cannot be kept: only the end of the connection tells the client, once it has what there was. */
void front_h1_abort(struct exchange *x)
{
    struct front *f = x->front;
    f->h1.x = NULL;
    f->h1.cut = true;
    exchange_done(x);
    front_h1_finish(f);
}
