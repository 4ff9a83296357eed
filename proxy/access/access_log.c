#include "proxy/access/access_log.h"

#include "core/loop.h"
#include "core/mem.h"
#include "proxy/access/access_line.h"
#include "proxy/access/access_writer.h"

#define CHUNKS 4
#define CHUNK_MAX (32 * 1024)
#define HAND_OVER_AFTER 0.1 /* seconds from the first line held */

struct access_log {
    struct ev_loop *loop;
    struct access_writer *writer;
    struct metrics *metrics;
    ev_timer timer;
    enum access_format format;
    bool off;
    unsigned current; /* the chunk that is filled, once it is not taken */
    size_t held;      /* bytes in it */
    uint64_t dropped; /* lines since the last chunk */
    struct access_clock clock;
    struct access_chunk end;
    struct access_chunk chunks[CHUNKS];
    char bytes[CHUNKS][CHUNK_MAX]; /* pages that are not used are not touched */
};

static void hand_over(struct access_log *l)
{
    struct access_chunk *c = &l->chunks[l->current];
    c->lines = span_of(l->bytes[l->current], l->held);
    c->dropped = l->dropped;
    l->held = 0;
    l->dropped = 0;
    l->current = (l->current + 1) % CHUNKS;
    ev_timer_stop(l->loop, &l->timer);
    access_writer_submit(l->writer, c);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    hand_over(CONTAINER_OF(timer, struct access_log, timer));
}

void access_log_configure(struct access_log *l, const struct config_log *config)
{
    if (!l)
        return;
    l->format = config->access_format != ACCESS_AS_LOG ? config->access_format
                : config->json                         ? ACCESS_JSON
                                                       : ACCESS_TEXT;
    l->off = config->access == ACCESS_OFF;
}

struct access_log *access_log_new(struct ev_loop *loop, struct access_writer *writer,
                                  struct metrics *metrics, const struct config_log *config)
{
    struct access_log *l = NEW(struct access_log);
    l->loop = loop;
    l->writer = writer;
    l->metrics = metrics;
    ev_timer_init(&l->timer, on_timer, HAND_OVER_AFTER, 0.);
    access_log_configure(l, config);
    return l;
}

/* The last chunk of all has come to the writer: nobody uses the log any more. */
static void free_log(struct access_chunk *end)
{
    mem_free(CONTAINER_OF(end, struct access_log, end));
}

void access_log_free(struct access_log *l)
{
    if (!l)
        return;
    ev_timer_stop(l->loop, &l->timer);
    if (l->held > 0)
        hand_over(l);
    l->end.done = free_log;
    l->end.dropped = l->dropped;
    access_writer_submit(l->writer, &l->end);
}

/* Where the next line goes; NULL when every chunk is on its way. */
static char *room_for_line(struct access_log *l)
{
    if (l->held + ACCESS_LINE_MAX > CHUNK_MAX)
        hand_over(l);
    if (l->held == 0 && atomic_load_explicit(&l->chunks[l->current].taken, memory_order_acquire))
        return NULL;
    return l->bytes[l->current] + l->held;
}

void access_log_write(struct access_log *l, const struct exchange *x)
{
    if (!l || l->off)
        return;
    char *at = room_for_line(l);
    if (!at) {
        l->dropped++;
        metrics_add(l->metrics, METRIC_ACCESS_DROPPED, 1);
        return;
    }
    if (l->held == 0) {
        ev_timer_set(&l->timer, HAND_OVER_AFTER, 0.);
        ev_timer_start(l->loop, &l->timer);
    }
    int64_t wall_ms = (int64_t)(ev_now(l->loop) * 1000);
    l->held += access_line_write(at, l->format, wall_ms, clock_us(), &l->clock, x);
    metrics_add(l->metrics, METRIC_ACCESS_LINES, 1);
}
