/* One event loop per thread: a libev loop, with the few things every user of it needs.
 *
 * Everything here belongs to the thread that runs the loop, but loop_stop_async. libev's own types
 * are used directly for descriptors (ev_io); for deadlines use struct deadline, which costs a store
 * when it is pushed back and touches libev's heap only when it is about to fire. */
#pragma once

#include <ev.h>
#include <stdint.h>

/* Monotonic milliseconds as of the loop's last wake-up: no system call. */
uint64_t loop_now_ms(struct ev_loop *loop);

/* Monotonic microseconds, read from the clock. */
uint64_t clock_us(void);
/* Wall-clock milliseconds since 1970, read from the clock. */
int64_t clock_wall_ms(void);

/* A deadline that is moved far more often than it fires. */
struct deadline {
    ev_timer timer;
    ev_tstamp due; /* in the loop's time; 0 when it is off */
    void (*on_due)(struct ev_loop *loop, struct deadline *d);
};

void deadline_init(struct deadline *d, void (*on_due)(struct ev_loop *, struct deadline *));
/* Sets (or moves) it to SECONDS from now; it fires once. Setting it in on_due makes it periodic. */
void deadline_set(struct ev_loop *loop, struct deadline *d, double seconds);
/* Afterwards its owner may be freed. */
void deadline_off(struct ev_loop *loop, struct deadline *d);
