#include "core/mailbox.h"

#include <pthread.h>

#include "core/mem.h"
#include "support/test.h"

#define SENDERS 4
#define MAILS 20000

/* The receiver: counts what comes and ends the loop with the last. */
struct receiver {
    struct ev_loop *loop;
    struct mailbox mailbox;
    int next_of[SENDERS];
    int awaited;
    bool in_order;
};

struct numbered {
    struct mail mail;
    int sender, number;
    int reposts;
};

static void receiver_init(struct receiver *r, int awaited)
{
    *r = (struct receiver){.awaited = awaited, .in_order = true};
    r->loop = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(r->loop);
    mailbox_init(&r->mailbox, r->loop, r);
}

static void receiver_deinit(struct receiver *r)
{
    mailbox_deinit(&r->mailbox);
    ev_loop_destroy(r->loop);
}

/* Runs until everything awaited has come; the mailbox alone would not keep the loop alive. */
static void receiver_run(struct receiver *r)
{
    ev_ref(r->loop);
    ev_run(r->loop, 0);
    ev_unref(r->loop);
}

static void on_numbered(struct mail *m, void *ctx)
{
    struct receiver *r = (struct receiver *)ctx;
    struct numbered *n = CONTAINER_OF(m, struct numbered, mail);
    if (n->number != r->next_of[n->sender])
        r->in_order = false;
    r->next_of[n->sender]++;
    mem_free(n);
    if (--r->awaited == 0)
        ev_break(r->loop, EVBREAK_ALL);
}

static void post_numbered(struct receiver *r, int sender, int number)
{
    struct numbered *n = NEW(struct numbered);
    n->mail.deliver = on_numbered;
    n->sender = sender;
    n->number = number;
    mailbox_post(&r->mailbox, &n->mail);
}

static void mails_come_in_the_order_they_were_posted(void **state)
{
    struct receiver r;
    receiver_init(&r, 100);
    for (int i = 0; i < 100; i++)
        post_numbered(&r, 0, i);
    receiver_run(&r);
    assert_int_equal(r.next_of[0], 100);
    assert_true(r.in_order);
    receiver_deinit(&r);
}

struct sender {
    struct receiver *to;
    int id;
};

static void *sender_main(void *arg)
{
    struct sender *s = (struct sender *)arg;
    for (int i = 0; i < MAILS; i++)
        post_numbered(s->to, s->id, i);
    return NULL;
}

static void many_threads_post_at_once(void **state)
{
    struct receiver r;
    pthread_t threads[SENDERS];
    struct sender senders[SENDERS];
    receiver_init(&r, SENDERS * MAILS);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&r, i};
        assert_int_equal(pthread_create(&threads[i], NULL, sender_main, &senders[i]), 0);
    }
    receiver_run(&r);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(r.next_of[i], MAILS);
    }
    assert_true(r.in_order);
    receiver_deinit(&r);
}

static void a_mailbox_does_not_keep_the_loop(void **state)
{
    struct receiver r;
    receiver_init(&r, 1);
    ev_run(r.loop, 0);
    receiver_deinit(&r);
}

static void deinit_delivers_what_is_there(void **state)
{
    struct receiver r;
    receiver_init(&r, 4);
    for (int i = 0; i < 3; i++)
        post_numbered(&r, 0, i);
    mailbox_deinit(&r.mailbox);
    assert_int_equal(r.next_of[0], 3);
    assert_true(r.in_order);
    ev_loop_destroy(r.loop);
}

static void on_repost(struct mail *m, void *ctx)
{
    struct receiver *r = (struct receiver *)ctx;
    struct numbered *n = CONTAINER_OF(m, struct numbered, mail);
    r->awaited--;
    if (n->reposts-- > 0)
        mailbox_post(&r->mailbox, m);
    else
        ev_break(r->loop, EVBREAK_ALL);
}

static void deliver_may_post_its_mail_again(void **state)
{
    struct receiver r;
    receiver_init(&r, 4);
    struct numbered n = {.mail.deliver = on_repost, .reposts = 3};
    mailbox_post(&r.mailbox, &n.mail);
    receiver_run(&r);
    assert_int_equal(r.awaited, 0);

    /* At the end, too: nothing is left behind. */
    r.awaited = 3;
    n.reposts = 2;
    mailbox_post(&r.mailbox, &n.mail);
    mailbox_deinit(&r.mailbox);
    assert_int_equal(r.awaited, 0);
    ev_loop_destroy(r.loop);
}

/* Two threads throw one mail to and fro: each delivery is a wake-up from nothing. */
struct player {
    struct receiver r;
    struct player *other;
    bool begins;
    int throws;
};

static void on_ball(struct mail *m, void *ctx)
{
    struct player *p = CONTAINER_OF((struct receiver *)ctx, struct player, r);
    bool last = --p->throws == 0;
    /* A begins, so the last catch of all is B's. The other's count is not ours to read. */
    if (!last || p->begins)
        mailbox_post(&p->other->r.mailbox, m);
    if (last)
        ev_break(p->r.loop, EVBREAK_ALL);
}

static void *player_main(void *arg)
{
    receiver_run(&((struct player *)arg)->r);
    return NULL;
}

static void to_and_fro(void **state)
{
    enum { ROUNDS = 5000 };
    struct player a, b;
    receiver_init(&a.r, 0);
    receiver_init(&b.r, 0);
    a.other = &b;
    b.other = &a;
    a.begins = true;
    b.begins = false;
    a.throws = b.throws = ROUNDS;
    struct numbered ball = {.mail.deliver = on_ball};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, player_main, &b), 0);
    mailbox_post(&a.r.mailbox, &ball.mail);
    receiver_run(&a.r);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(a.throws + b.throws, 0);
    receiver_deinit(&a.r);
    receiver_deinit(&b.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mails_come_in_the_order_they_were_posted),
        cmocka_unit_test(many_threads_post_at_once),
        cmocka_unit_test(a_mailbox_does_not_keep_the_loop),
        cmocka_unit_test(deinit_delivers_what_is_there),
        cmocka_unit_test(deliver_may_post_its_mail_again),
        cmocka_unit_test(to_and_fro),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
