#include "core/job.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "core/mem.h"
#include "support/test.h"

/* What happened, in order: a letter an event, written by the job thread and the loop's. */
struct story {
    pthread_mutex_t lock;
    char text[512];
    size_t len;
};

struct stage {
    struct ev_loop *loop;
    struct mailbox mailbox;
    struct job_runner *runner;
    struct story story;
    pthread_t loop_thread;
    sem_t gate;
    int awaited;
};

struct step {
    struct job job;
    char letter;
    struct stage *stage;
};

static void tell(struct stage *s, char c)
{
    pthread_mutex_lock(&s->story.lock);
    if (s->story.len + 1 < sizeof s->story.text)
        s->story.text[s->story.len++] = c;
    pthread_mutex_unlock(&s->story.lock);
}

static void batch_begin(void *ctx)
{
    tell((struct stage *)ctx, '(');
}

static void batch_end(void *ctx)
{
    tell((struct stage *)ctx, ')');
}

/* As batch_end, while nobody empties the mailbox: what is in it came too early. */
static void batch_end_before_replies(void *ctx)
{
    struct stage *s = (struct stage *)ctx;
    tell(s, atomic_load(&s->mailbox.head) ? '!' : ')');
}

/* work tells the lower-case letter, done the upper-case one. */
static void work(struct job *j, void *ctx)
{
    struct step *step = CONTAINER_OF(j, struct step, job);
    struct stage *s = (struct stage *)ctx;
    assert_false(pthread_equal(pthread_self(), s->loop_thread));
    tell(s, step->letter);
}

/* Holds the runner until the test has queued what it wants. */
static void work_at_gate(struct job *j, void *ctx)
{
    struct stage *s = (struct stage *)ctx;
    while (sem_wait(&s->gate) != 0)
        continue;
    work(j, ctx);
}

static void work_and_free(struct job *j, void *ctx)
{
    work(j, ctx);
    mem_free(CONTAINER_OF(j, struct step, job));
}

static void done(struct job *j, void *mailbox_ctx)
{
    struct step *step = CONTAINER_OF(j, struct step, job);
    struct stage *s = (struct stage *)mailbox_ctx;
    assert_true(pthread_equal(pthread_self(), s->loop_thread));
    tell(s, (char)(step->letter - 'a' + 'A'));
    if (--s->awaited == 0)
        ev_break(s->loop, EVBREAK_ALL);
}

static void stage_open(struct stage *s, const struct job_runner_ops *ops)
{
    *s = (struct stage){.loop_thread = pthread_self()};
    pthread_mutex_init(&s->story.lock, NULL);
    sem_init(&s->gate, 0, 0);
    s->loop = ev_loop_new(EVFLAG_AUTO);
    mailbox_init(&s->mailbox, s->loop, s);
    s->runner = job_runner_new("test-jobs", ops, s);
}

static void stage_close(struct stage *s)
{
    job_runner_free(s->runner);
    mailbox_deinit(&s->mailbox);
    ev_loop_destroy(s->loop);
    sem_destroy(&s->gate);
    pthread_mutex_destroy(&s->story.lock);
}

static void stage_await(struct stage *s, int count)
{
    s->awaited = count;
    ev_ref(s->loop);
    ev_run(s->loop, 0);
    ev_unref(s->loop);
}

/* Submits a job for each of LETTERS, the first of which waits for the gate, and opens it. */
static void submit_all(struct stage *s, struct step *steps, const char *letters)
{
    for (size_t i = 0; letters[i]; i++) {
        steps[i] = (struct step){.letter = letters[i], .stage = s};
        steps[i].job.work = i == 0 ? work_at_gate : work;
        steps[i].job.done = done;
        job_submit(s->runner, &steps[i].job, &s->mailbox);
    }
    sem_post(&s->gate);
}

/* The letters of TEXT that CLASS has. */
static void only(const char *text, const char *class, char *out)
{
    for (; *text; text++)
        if (strchr(class, *text))
            *out++ = *text;
    *out = '\0';
}

static void jobs_run_in_order(void **state)
{
    struct stage s;
    struct step steps[8];
    char part[64];
    stage_open(&s, NULL);
    submit_all(&s, steps, "abcdefgh");
    stage_await(&s, 8);
    only(s.story.text, "abcdefgh", part);
    assert_string_equal(part, "abcdefgh");
    only(s.story.text, "ABCDEFGH", part);
    assert_string_equal(part, "ABCDEFGH");
    stage_close(&s);
}

static void a_batch_ends_with_the_queue(void **state)
{
    const struct job_runner_ops ops = {batch_begin, batch_end, 0};
    struct stage s;
    struct step steps[4];
    stage_open(&s, &ops);
    submit_all(&s, steps, "abc");
    stage_await(&s, 3);
    assert_string_equal(s.story.text, "(abc)ABC");

    submit_all(&s, steps, "d");
    stage_await(&s, 1);
    assert_string_equal(s.story.text, "(abc)ABC(d)D");
    stage_close(&s);
}

/* The dones may be told anywhere behind their own batch: another thread runs them. */
static void a_batch_has_its_bound(void **state)
{
    const struct job_runner_ops ops = {batch_begin, batch_end, 2};
    struct stage s;
    struct step steps[5];
    char part[64];
    stage_open(&s, &ops);
    submit_all(&s, steps, "abcde");
    stage_await(&s, 5);
    only(s.story.text, "abcde()", part);
    assert_string_equal(part, "(ab)(cd)(e)");
    only(s.story.text, "ABCDE", part);
    assert_string_equal(part, "ABCDE");
    only(s.story.text, "A)", part);
    assert_int_equal(part[0], ')');
    only(s.story.text, "C)", part);
    assert_memory_equal(part, "))", 2);
    only(s.story.text, "E)", part);
    assert_string_equal(part, ")))E");
    stage_close(&s);
}

static void only_one_of_begin_and_end(void **state)
{
    const struct job_runner_ops only_begin = {batch_begin, NULL, 1};
    const struct job_runner_ops only_end = {NULL, batch_end, 1};
    struct stage s;
    struct step steps[2];
    char part[64];
    stage_open(&s, &only_begin);
    submit_all(&s, steps, "ab");
    stage_await(&s, 2);
    only(s.story.text, "(ab", part);
    assert_string_equal(part, "(a(b");
    stage_close(&s);

    stage_open(&s, &only_end);
    submit_all(&s, steps, "ab");
    stage_await(&s, 2);
    only(s.story.text, "ab)", part);
    assert_string_equal(part, "a)b)");
    stage_close(&s);
}

static void free_runs_what_is_queued(void **state)
{
    const struct job_runner_ops ops = {batch_begin, batch_end_before_replies, 0};
    struct stage s;
    struct step steps[3];
    stage_open(&s, &ops);
    submit_all(&s, steps, "abc");
    job_runner_free(s.runner);
    assert_string_equal(s.story.text, "(abc)");
    s.awaited = 3;
    mailbox_deinit(&s.mailbox);
    assert_string_equal(s.story.text, "(abc)ABC");
    assert_int_equal(s.awaited, 0);
    ev_loop_destroy(s.loop);
    sem_destroy(&s.gate);
    pthread_mutex_destroy(&s.story.lock);

    job_runner_free(NULL);
}

static void nobody_to_tell(void **state)
{
    const struct job_runner_ops ops = {batch_begin, batch_end, 0};
    struct stage s;
    stage_open(&s, &ops);
    struct step *step = NEW(struct step);
    step->letter = 'a';
    step->job.work = work_and_free;
    job_submit(s.runner, &step->job, NULL);
    job_runner_free(s.runner);
    assert_string_equal(s.story.text, "(a)");
    s.runner = NULL;
    stage_close(&s);
}

static void work_sees_signals_blocked(struct job *j, void *ctx)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    if (sigismember(&set, SIGTERM) && sigismember(&set, SIGHUP))
        work(j, ctx);
}

static void signals_are_for_others(void **state)
{
    struct stage s;
    stage_open(&s, NULL);
    struct step step = {.letter = 'a', .job = {.work = work_sees_signals_blocked, .done = done}};
    job_submit(s.runner, &step.job, &s.mailbox);
    stage_await(&s, 1);
    assert_string_equal(s.story.text, "aA");
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    assert_false(sigismember(&set, SIGTERM));
    stage_close(&s);
}

struct submitter {
    struct stage *stage;
    struct step steps[500];
};

static void *submitter_main(void *arg)
{
    struct submitter *m = (struct submitter *)arg;
    for (size_t i = 0; i < ARRAY_LEN(m->steps); i++) {
        m->steps[i] = (struct step){.letter = 'a', .job = {.work = work, .done = done}};
        job_submit(m->stage->runner, &m->steps[i].job, &m->stage->mailbox);
    }
    return NULL;
}

static void many_threads_submit(void **state)
{
    const struct job_runner_ops ops = {batch_begin, batch_end, 7};
    struct stage s;
    static struct submitter submitters[4];
    pthread_t threads[4];
    stage_open(&s, &ops);
    for (int i = 0; i < 4; i++) {
        submitters[i].stage = &s;
        assert_int_equal(pthread_create(&threads[i], NULL, submitter_main, &submitters[i]), 0);
    }
    stage_await(&s, 4 * (int)ARRAY_LEN(submitters[0].steps));
    assert_int_equal(s.awaited, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_run_in_order),        cmocka_unit_test(a_batch_ends_with_the_queue),
        cmocka_unit_test(a_batch_has_its_bound),    cmocka_unit_test(only_one_of_begin_and_end),
        cmocka_unit_test(free_runs_what_is_queued), cmocka_unit_test(nobody_to_tell),
        cmocka_unit_test(signals_are_for_others),   cmocka_unit_test(many_threads_submit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
