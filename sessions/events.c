#include "sessions/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"

struct events_listener {
    struct events *events;
    struct events_listener *next, **link;
    struct api_call *call;
    void (*closed)(struct api_call *c);
};

struct events {
    struct ev_loop *loop;
    ev_timer heartbeat; /* runs while somebody listens */
    struct events_listener *first;
    size_t count;
    int64_t started_ms;
    uint64_t last; /* number of the newest event; from 1 */
    char *kept[EVENTS_KEPT];
};

static void on_heartbeat(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    events_beat(CONTAINER_OF(timer, struct events, heartbeat));
}

struct events *events_new(struct ev_loop *loop)
{
    struct events *v = NEW(struct events);
    v->loop = loop;
    v->started_ms = clock_wall_ms();
    ev_timer_init(&v->heartbeat, on_heartbeat, 0., EVENTS_HEARTBEAT_S);
    return v;
}

size_t events_listeners(const struct events *v)
{
    return v->count;
}

void events_forget(struct events_listener *l)
{
    struct events *v = l->events;
    *l->link = l->next;
    if (l->next)
        l->next->link = l->link;
    mem_free(l);
    if (--v->count == 0)
        ev_timer_stop(v->loop, &v->heartbeat);
}

void events_close(struct events_listener *l)
{
    struct api_call *call = l->call;
    void (*closed)(struct api_call * c) = l->closed;
    events_forget(l);
    closed(call);
}

void events_close_all(struct events *v)
{
    while (v->first)
        events_close(v->first);
}

void events_free(struct events *v)
{
    if (!v)
        return;
    events_close_all(v);
    ev_timer_stop(v->loop, &v->heartbeat);
    for (size_t i = 0; i < EVENTS_KEPT; i++)
        mem_free(v->kept[i]);
    mem_free(v);
}

/* The listener may be gone afterwards. */
static void give(struct events_listener *l, struct span text)
{
    struct api_call *c = l->call;
    size_t pending = c->pending ? c->pending(c) : 0;
    if (pending + text.len <= EVENTS_PENDING_MAX) {
        c->data(c, text);
        return;
    }
    LOG(LOG_INFO, "listener_too_slow", LOG_U("pending", pending));
    events_close(l);
}

static void give_all(struct events *v, struct span text)
{
    struct events_listener *next;
    for (struct events_listener *l = v->first; l; l = next) {
        next = l->next;
        give(l, text);
    }
}

void events_beat(struct events *v)
{
    give_all(v, SPAN_LIT(": still here\n\n"));
}

void events_send(struct events *v, const char *what, json_t *data)
{
    /* Compact JSON has no line end, so one `data:` line holds it. */
    char *json = json_dumps(data, JSON_COMPACT);
    CHECK(json);
    v->last++;
    char *text = mem_printf("id: %" PRId64 "-%" PRIu64 "\nevent: %s\ndata: %s\n\n", v->started_ms,
                            v->last, what, json);
    free(json);
    mem_free(v->kept[v->last % EVENTS_KEPT]);
    v->kept[v->last % EVENTS_KEPT] = text;
    give_all(v, span_str(text));
}

/* The number in an id of this run; false for any other. */
static bool known_id(const struct events *v, struct span id, uint64_t *number)
{
    char start[24];
    int len = snprintf(start, sizeof start, "%" PRId64 "-", v->started_ms);
    if (!span_starts(id, span_of(start, (size_t)len)))
        return false;
    if (span_to_u64(span_from(id, (size_t)len), number) != ERR_OK || *number > v->last)
        return false;
    return v->last - *number <= EVENTS_KEPT;
}

/* All that was missed in one piece, so that one check of its size is enough. */
static void catch_up(struct events_listener *l, struct span last_id)
{
    struct events *v = l->events;
    uint64_t number = v->last;
    struct buf text;
    buf_init(&text, EVENTS_PENDING_MAX);
    bool whole = buf_printf(&text, "retry: 2000\n\n") == ERR_OK;
    if (last_id.len && !known_id(v, last_id, &number))
        whole = false;
    for (uint64_t n = number + 1; whole && n <= v->last; n++)
        whole = buf_append(&text, span_str(v->kept[n % EVENTS_KEPT])) == ERR_OK;
    if (!whole) {
        buf_clear(&text);
        CHECK(buf_printf(&text,
                         "retry: 2000\nid: %" PRId64 "-%" PRIu64 "\nevent: reset\ndata: {}\n\n",
                         v->started_ms, v->last) == ERR_OK);
    }
    l->call->data(l->call, buf_span(&text));
    buf_deinit(&text);
}

struct events_listener *events_listen(struct events *v, struct api_call *c,
                                      void (*closed)(struct api_call *c))
{
    if (v->count >= EVENTS_LISTENERS_MAX)
        return NULL;
    struct events_listener *l = NEW(struct events_listener);
    *l = (struct events_listener){
        .events = v, .next = v->first, .link = &v->first, .call = c, .closed = closed};
    if (v->first)
        v->first->link = &l->next;
    v->first = l;
    if (v->count++ == 0)
        ev_timer_again(v->loop, &v->heartbeat);

    static const struct api_field fields[] = {{"content-type", "text/event-stream"},
                                              {"cache-control", "no-store"},
                                              {"x-accel-buffering", "no"}};
    c->head(c, 200, fields, ARRAY_LEN(fields));
    catch_up(l, c->last_event_id);
    return l;
}
