/* Rest: an HTTP/2 connection on which nothing has happened for a moment gives back the memory that only
 * streams need. Private to the folder. */
#pragma once

#include <ev.h>
#include <stdbool.h>

struct front;
struct front_h2_shared;

/* One connection's, in its worker's list of those that may come to rest; prev NULL: not in it. */
struct front_h2_rest {
    struct front_h2_rest *next, **prev;
    bool stirred; /* since the last tick */
};

void front_h2_rest_init(struct front_h2_shared *s, struct ev_loop *loop);
/* After a flush: something has happened; when that was the last for now, F is looked after. */
void front_h2_rest_later(struct front *f);
/* F closes. */
void front_h2_rest_leave(struct front *f);
