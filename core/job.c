#include "core/job.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "core/mem.h"

/* Linked through mail.next, oldest first. */
struct job_list {
    struct mail *first;
    struct mail **end;
};

struct job_runner {
    struct job_runner_ops ops;
    void *ctx;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct job_list queue;
    bool stopping;
};

static void list_init(struct job_list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void list_add(struct job_list *l, struct job *j)
{
    j->mail.next = NULL;
    *l->end = &j->mail;
    l->end = &j->mail.next;
}

static struct job *list_take(struct job_list *l)
{
    struct mail *m = l->first;
    if (!m)
        return NULL;
    l->first = m->next;
    if (!l->first)
        l->end = &l->first;
    return CONTAINER_OF(m, struct job, mail);
}

static void job_deliver(struct mail *m, void *mailbox_ctx)
{
    struct job *j = CONTAINER_OF(m, struct job, mail);
    j->done(j, mailbox_ctx);
}

static void reply(struct job *j)
{
    j->mail.deliver = job_deliver;
    mailbox_post(j->reply_to, &j->mail);
}

static struct job *take_queued(struct job_runner *r)
{
    pthread_mutex_lock(&r->lock);
    struct job *j = list_take(&r->queue);
    pthread_mutex_unlock(&r->lock);
    return j;
}

/* The next job; waits for it. NULL when the runner stops and nothing is queued. */
static struct job *await_queued(struct job_runner *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->queue.first && !r->stopping)
        pthread_cond_wait(&r->changed, &r->lock);
    struct job *j = list_take(&r->queue);
    pthread_mutex_unlock(&r->lock);
    return j;
}

/* Runs J. Without batches it is answered at once, else it waits in FINISHED. One that nobody is
 * told of belongs to its work function, which may have freed it. */
static void run(struct job_runner *r, struct job *j, struct job_list *finished)
{
    bool wanted = j->reply_to != NULL;
    j->work(j, r->ctx);
    if (!wanted)
        return;
    if (r->ops.batch_end)
        list_add(finished, j);
    else
        reply(j);
}

static void run_batch(struct job_runner *r, struct job *j)
{
    struct job_list finished;
    list_init(&finished);

    if (r->ops.batch_begin)
        r->ops.batch_begin(r->ctx);
    size_t count = 0;
    do {
        run(r, j, &finished);
        count++;
        j = count == r->ops.batch_max ? NULL : take_queued(r);
    } while (j);
    if (r->ops.batch_end)
        r->ops.batch_end(r->ctx);

    while ((j = list_take(&finished)))
        reply(j);
}

static void *runner_main(void *arg)
{
    struct job_runner *r = (struct job_runner *)arg;
    struct job *j;
    while ((j = await_queued(r)))
        run_batch(r, j);
    return NULL;
}

/* Signals are for the thread that has a handler's loop. */
static void start_without_signals(struct job_runner *r)
{
    sigset_t all, before;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    CHECK(pthread_create(&r->thread, NULL, runner_main, r) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

struct job_runner *job_runner_new(const char *name, const struct job_runner_ops *ops, void *ctx)
{
    struct job_runner *r = NEW(struct job_runner);
    if (ops)
        r->ops = *ops;
    r->ctx = ctx;
    list_init(&r->queue);
    CHECK(pthread_mutex_init(&r->lock, NULL) == 0);
    CHECK(pthread_cond_init(&r->changed, NULL) == 0);
    start_without_signals(r);
    CHECK(pthread_setname_np(r->thread, name) == 0);
    return r;
}

void job_runner_free(struct job_runner *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    CHECK(pthread_join(r->thread, NULL) == 0);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

void job_submit(struct job_runner *r, struct job *j, struct mailbox *reply_to)
{
    j->reply_to = reply_to;
    pthread_mutex_lock(&r->lock);
    CHECK(!r->stopping);
    list_add(&r->queue, j);
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}
