#include "proxy/front/front_h2_rest.h"

#include "proxy/front/front.h"

/* A session rests when this long, in seconds, or up to twice as long, nothing has happened. A page given back
 * and faulted in again costs about a microsecond: four times a second is nothing. */
#define REST_AFTER 0.25

static void unlink_rest(struct front_h2_shared *s, struct front_h2_rest *r)
{
    *r->prev = r->next;
    if (r->next)
        r->next->prev = r->prev;
    r->prev = NULL;
    if (s->resting)
        return;
    ev_ref(s->loop);
    ev_timer_stop(s->loop, &s->rest_timer);
}

static bool is_idle(const struct front *f)
{
    return f->h2.streams == 0 && conn_pending(&f->conn) == 0 && !f->lingering &&
           !nghttp2_session_want_write(f->h2.session);
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop;
    (void)events;
    struct front_h2_shared *s = t->data;
    struct front_h2_rest *next;
    for (struct front_h2_rest *r = s->resting; r; r = next) {
        struct front *f = CONTAINER_OF(r, struct front, h2.rest);
        next = r->next;
        if (r->stirred) {
            r->stirred = false;
            continue;
        }
        if (is_idle(f))
            front_h2_mem_rest(&f->h2.mem);
        unlink_rest(s, r); /* it comes again with its next flush */
    }
}

void front_h2_rest_init(struct front_h2_shared *s, struct ev_loop *loop)
{
    s->loop = loop;
    s->resting = NULL;
    ev_timer_init(&s->rest_timer, on_tick, REST_AFTER, REST_AFTER);
    s->rest_timer.data = s;
}

void front_h2_rest_later(struct front *f)
{
    struct front_h2_shared *s = &f->proxy->h2;
    struct front_h2_rest *r = &f->h2.rest;
    r->stirred = true;
    if (r->prev || f->h2.streams > 0)
        return;
    if (!s->resting) {
        ev_timer_set(&s->rest_timer, REST_AFTER, REST_AFTER);
        ev_timer_start(s->loop, &s->rest_timer);
        ev_unref(s->loop);
    }
    r->next = s->resting;
    r->prev = &s->resting;
    if (r->next)
        r->next->prev = &r->next;
    s->resting = r;
}

void front_h2_rest_leave(struct front *f)
{
    if (f->h2.rest.prev)
        unlink_rest(&f->proxy->h2, &f->h2.rest);
}
