/* Uses of sessions on their way from a worker to control: many in one mail, a tenth of a second late at
 * most, so that control is not woken for each. */
#pragma once

#include <ev.h>

#include "core/span.h"

struct edge_worker;
struct touch_batch;

struct touches {
    struct edge_worker *worker;
    struct touch_batch *batch; /* that is being filled, or NULL */
    ev_timer due;
};

/* On the worker's thread, but for touches_init, which comes before it runs. */
void touches_init(struct touches *t, struct edge_worker *w);
void touches_add(struct touches *t, struct span session);
/* Sends what is there; nothing is added any more. */
void touches_deinit(struct touches *t);
