#include "proxy/access/access_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "proxy/access/access_sink.h"

/* A chunk of which nothing goes for this long is given up; soon, while none goes anyway. */
#define PATIENCE_US (5 * 1000000)
#define PATIENCE_FAILING_US (100 * 1000)
/* The same for all that is left when the process ends. */
#define PATIENCE_AT_END_US (1 * 1000000)
#define LOOK_EVERY_MS 100 /* whether the process ends */

struct access_writer {
    pthread_t thread;
    struct metrics metrics; /* the writer's thread's own */
    struct access_sink sink;
    bool failing;  /* it was told that nothing can be written */
    uint64_t lost; /* lines, since it was told */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct access_chunk *first, **end; /* oldest first */
    bool stopping, stopped;
    uint64_t stop_us; /* nothing is waited for from here on */
};

/* --- the queue ----------------------------------------------------------------------------------- */

void access_writer_submit(struct access_writer *w, struct access_chunk *c)
{
    c->next = NULL;
    atomic_store_explicit(&c->taken, true, memory_order_relaxed);
    pthread_mutex_lock(&w->lock);
    CHECK(!w->stopping);
    *w->end = c;
    w->end = &c->next;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* The next chunk; waits for it. NULL when the writer stops and there is none. */
static struct access_chunk *await_chunk(struct access_writer *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->first && !w->stopping)
        pthread_cond_wait(&w->changed, &w->lock);
    struct access_chunk *c = w->first;
    if (c) {
        w->first = c->next;
        if (!w->first)
            w->end = &w->first;
    }
    pthread_mutex_unlock(&w->lock);
    return c;
}

/* When a chunk that is begun now is given up, if nothing of it goes. */
static uint64_t patience_ends(struct access_writer *w, uint64_t from_us)
{
    uint64_t end = from_us + (w->failing ? PATIENCE_FAILING_US : PATIENCE_US);
    pthread_mutex_lock(&w->lock);
    if (w->stopping && w->stop_us < end)
        end = w->stop_us;
    pthread_mutex_unlock(&w->lock);
    return end;
}

/* --- writing ------------------------------------------------------------------------------------- */

static void lose(struct access_writer *w, struct span rest, const char *why)
{
    for (size_t i = 0; i < rest.len; i++)
        w->lost += rest.p[i] == '\n';
    if (w->failing)
        return;
    w->failing = true;
    LOG(LOG_ERROR, "access_log_failed", LOG_S("why", why));
}

/* Told once it goes on: while nothing can be written, the number only grows. */
static void tell_lost(struct access_writer *w)
{
    w->failing = false;
    if (w->lost == 0)
        return;
    LOG(LOG_WARN, "access_log_dropped", LOG_U("lines", w->lost));
    w->lost = 0;
}

static void write_lines(struct access_writer *w, struct span lines)
{
    struct span rest = lines;
    uint64_t since = clock_us();
    while (rest.len > 0) {
        ssize_t n = access_sink_write(&w->sink, rest);
        bool begun = rest.p > lines.p && rest.p[-1] != '\n';
        if (n < 0) {
            access_sink_give_up(&w->sink, begun);
            lose(w, rest, log_errno_text(errno));
            return;
        }
        if (n > 0) {
            rest = span_from(rest, (size_t)n);
            since = clock_us();
            continue;
        }
        if (clock_us() >= patience_ends(w, since)) {
            access_sink_give_up(&w->sink, begun);
            lose(w, rest, "nobody takes it");
            return;
        }
        access_sink_wait(&w->sink, LOOK_EVERY_MS);
    }
    tell_lost(w);
}

static void take_chunk(struct access_writer *w, struct access_chunk *c)
{
    w->lost += c->dropped;
    uint64_t before = w->lost;
    if (c->done) {
        c->done(c);
        return;
    }
    if (w->sink.kind != SINK_NONE || w->failing)
        write_lines(w, c->lines);
    if (w->lost > before)
        metrics_add(&w->metrics, METRIC_ACCESS_DROPPED, w->lost - before);
    atomic_store_explicit(&c->taken, false, memory_order_release);
}

static void *writer_main(void *arg)
{
    struct access_writer *w = arg;
    struct access_chunk *c;
    while ((c = await_chunk(w)))
        take_chunk(w, c);
    pthread_mutex_lock(&w->lock);
    w->stopped = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* --- life ---------------------------------------------------------------------------------------- */

static void open_sink(struct access_writer *w, const struct config_log *config)
{
    if (access_sink_open(&w->sink, config) == ERR_OK)
        return;
    int e = errno;
    LOG(LOG_ERROR, "access_log_not_opened",
        LOG_S("file", config->access == ACCESS_FILE ? config->access_file : "stdout"),
        LOG_ERRNO(e));
    w->failing = w->sink.kind == SINK_NONE;
}

/* A wish to reopen takes its turn among the chunks. */
struct reopening {
    struct access_chunk chunk;
    struct access_writer *writer;
    struct config_log config;
    char *file;
};

static void do_reopen(struct access_chunk *c)
{
    struct reopening *r = CONTAINER_OF(c, struct reopening, chunk);
    open_sink(r->writer, &r->config);
    mem_free(r->file);
    mem_free(r);
}

void access_writer_reopen(struct access_writer *w, const struct config_log *config)
{
    struct reopening *r = NEW(struct reopening);
    r->writer = w;
    r->config = *config;
    if (config->access == ACCESS_FILE)
        r->config.access_file = r->file = mem_strdup(config->access_file);
    r->chunk.done = do_reopen;
    access_writer_submit(w, &r->chunk);
}

/* Signals are for the thread that has a handler's loop. */
static void start_without_signals(struct access_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    CHECK(pthread_create(&w->thread, NULL, writer_main, w) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    CHECK(pthread_setname_np(w->thread, "access-log") == 0);
}

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    CHECK(pthread_condattr_init(&attr) == 0);
    CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(cond, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

struct access_writer *access_writer_new(const struct config_log *config)
{
    struct access_writer *w = NEW(struct access_writer);
    access_sink_init(&w->sink);
    open_sink(w, config);
    w->end = &w->first;
    metrics_register(&w->metrics);
    CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
    init_cond(&w->changed);
    start_without_signals(w);
    return w;
}

/* Whether the thread has come to its end. */
static bool stop(struct access_writer *w)
{
    struct timespec until;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += 2 * PATIENCE_AT_END_US / 1000000;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    w->stop_us = clock_us() + PATIENCE_AT_END_US;
    pthread_cond_broadcast(&w->changed);
    int e = 0;
    while (!w->stopped && e == 0)
        e = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    bool stopped = w->stopped;
    pthread_mutex_unlock(&w->lock);
    return stopped;
}

void access_writer_free(struct access_writer *w)
{
    if (!w)
        return;
    if (!stop(w)) {
        LOG(LOG_ERROR, "access_log_stuck", LOG_S("why", "the kernel holds its thread in a write"));
        pthread_detach(w->thread); /* it still uses W, which goes with the process */
        return;
    }
    CHECK(pthread_join(w->thread, NULL) == 0);
    if (w->lost > 0)
        LOG(LOG_WARN, "access_log_dropped", LOG_U("lines", w->lost));
    access_sink_close(&w->sink);
    metrics_unregister(&w->metrics);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}
