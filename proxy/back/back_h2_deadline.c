#include "proxy/back/back_h2.h"

/* A stream has its own time (limits.response_timeout) as long as the backend owes it a head, or the rest of
 * a body whose length it has told. Others may be silent for as long as they like, but not the connection: a
 * PING finds out whether there is still somebody. Servers of gRPC take more than one in five minutes without
 * traffic for an attack, so further ones come slowly. */
#define PING_AGAIN_MS ((uint64_t)310 * 1000)
/* What was brought is watched all the time, so that who has vanished is known within 15 seconds: a PING after
 * so much silence, and so long for its answer. */
#define WATCH_SILENCE_MS 4000
#define WATCH_ANSWER_MS 8000

static uint64_t now_ms(const struct back_h2 *b)
{
    return loop_now_ms(b->proxy->conns.loop);
}

static uint64_t patience_ms(const struct back_h2 *b)
{
    return b->proxy->config->limits.response_timeout_ms;
}

static uint64_t silence_ms(const struct back_h2 *b)
{
    return b->pool->adopted ? WATCH_SILENCE_MS : patience_ms(b) / 2;
}

static uint64_t answer_ms(const struct back_h2 *b)
{
    return b->pool->adopted ? WATCH_ANSWER_MS : patience_ms(b) / 2;
}

void back_h2_await(struct back_stream *s)
{
    s->due_ms = now_ms(s->b) + patience_ms(s->b);
}

/* When there will be something to look at, at the latest. */
static uint64_t next_look(const struct back_h2 *b)
{
    uint64_t due = b->ping_ms;
    for (const struct back_stream *s = b->streams; s; s = s->next)
        if (s->due_ms > 0 && s->due_ms < due)
            due = s->due_ms;
    return due;
}

static void set_look(struct back_h2 *b)
{
    uint64_t now = now_ms(b), due = next_look(b);
    conn_deadline_ms(&b->conn, due > now ? due - now : 1);
}

static enum back_h2_wait what_for(const struct back_h2 *b)
{
    if (b->going && (b->n_open == 0 || back_h2_is_over(b)))
        return BACK_H2_GOODBYE;
    return b->n_open > 0 || b->pool->adopted ? BACK_H2_LOOK : BACK_H2_IDLE;
}

void back_h2_arm(struct back_h2 *b)
{
    const struct config_limits *l = &b->proxy->config->limits;
    enum back_h2_wait wait = what_for(b);
    if (wait == b->wait && b->conn.timed)
        return;
    b->wait = wait;
    switch (wait) {
    case BACK_H2_IDLE:
        conn_deadline_ms(&b->conn, l->pool_idle_ms);
        return;
    case BACK_H2_LOOK:
        b->ping_ms = now_ms(b) + silence_ms(b);
        set_look(b);
        return;
    case BACK_H2_GOODBYE:
        conn_deadline_ms(&b->conn, l->connect_timeout_ms);
        return;
    }
}

static struct back_stream *first_late(const struct back_h2 *b, uint64_t now)
{
    struct back_stream *s = b->streams;
    while (s && (s->due_ms == 0 || s->due_ms > now))
        s = s->next;
    return s;
}

static void fail_late(struct back_h2 *b, uint64_t now)
{
    for (struct back_stream *s; (s = first_late(b, now));) {
        if (back_h2_unread(s) > 0)
            back_h2_await(s); /* it is the client that takes nothing: the front's affair */
        else
            back_h2_stream_fail(s, PAGE_BACK_SILENT, LOST_STREAM);
    }
}

/* Whether somebody is there. */
static bool is_alive(struct back_h2 *b, uint64_t now)
{
    if (b->ping_ms > now)
        return true;
    if (b->pinged)
        return false;
    if (now - b->heard_ms < silence_ms(b)) {
        b->ping_ms = b->heard_ms + silence_ms(b);
        return true;
    }
    if (!b->pool->adopted && b->answered_ms > 0 && now - b->answered_ms < PING_AGAIN_MS) {
        b->ping_ms = b->answered_ms + PING_AGAIN_MS;
        return true;
    }
    b->pinged = true;
    b->ping_ms = now + answer_ms(b);
    nghttp2_submit_ping(b->session, NGHTTP2_FLAG_NONE, NULL);
    conn_flush_later(&b->conn);
    return true;
}

static void look(struct back_h2 *b)
{
    uint64_t now = now_ms(b);
    fail_late(b, now);
    if (is_alive(b, now))
        set_look(b);
    else
        back_h2_fail(b, PAGE_BACK_SILENT);
}

void back_h2_on_deadline(struct conn *c)
{
    struct back_h2 *b = CONTAINER_OF(c, struct back_h2, conn);
    switch (b->wait) {
    case BACK_H2_IDLE:
        back_h2_retire(b);
        back_h2_arm(b);
        return;
    case BACK_H2_LOOK:
        look(b);
        return;
    case BACK_H2_GOODBYE:
        back_h2_fail(b, PAGE_BACK_SILENT);
        return;
    }
}
