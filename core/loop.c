#include "core/loop.h"

#include <time.h>

#include "core/err.h"
#include "core/mem.h"

/* The loop's monotonic time in seconds. ev_now() is wall-clock time, which may jump, and libev has
 * no name for the other one; but the remaining time of an active timer is reckoned from it. A timer
 * that is due at 0 therefore has "minus now" remaining; libev only reads these two members. */
static ev_tstamp loop_time(struct ev_loop *loop)
{
    ev_timer at_zero = {.active = 1, .at = 0.};
    return -ev_timer_remaining(loop, &at_zero);
}

uint64_t loop_now_ms(struct ev_loop *loop)
{
    return (uint64_t)(loop_time(loop) * 1e3);
}

static int64_t clock_read_us(clockid_t clock)
{
    struct timespec ts;
    CHECK(clock_gettime(clock, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

uint64_t clock_us(void)
{
    return (uint64_t)clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return clock_read_us(CLOCK_REALTIME) / 1000;
}

static void arm(struct ev_loop *loop, struct deadline *d, ev_tstamp seconds)
{
    ev_timer_stop(loop, &d->timer);
    ev_timer_set(&d->timer, seconds > 0. ? seconds : 0., 0.);
    ev_timer_start(loop, &d->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct deadline *d = CONTAINER_OF(timer, struct deadline, timer);
    ev_tstamp left = d->due - loop_time(loop);
    /* It has been pushed back since the timer was armed. */
    if (left > 0.) {
        arm(loop, d, left);
        return;
    }
    d->due = 0.;
    d->on_due(loop, d);
}

void deadline_init(struct deadline *d, void (*on_due)(struct ev_loop *, struct deadline *))
{
    *d = (struct deadline){.on_due = on_due};
    ev_timer_init(&d->timer, on_timer, 0., 0.);
}

void deadline_set(struct ev_loop *loop, struct deadline *d, double seconds)
{
    d->due = loop_time(loop) + seconds;
    if (ev_is_active(&d->timer) && ev_timer_remaining(loop, &d->timer) <= seconds)
        return;
    arm(loop, d, seconds);
}

void deadline_off(struct ev_loop *loop, struct deadline *d)
{
    d->due = 0.;
    ev_timer_stop(loop, &d->timer);
}
