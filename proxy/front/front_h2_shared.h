/* What all HTTP/2 fronts of a worker share; private to the folder. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "proxy/front/front_h2_mem.h"
#include "proxy/front/front_h2_rest.h"

struct front_h2_shared {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct front_h2_slabs slabs;
    struct ev_loop *loop;
    struct front_h2_rest *resting;
    ev_timer rest_timer; /* runs while there are any */
};

void front_h2_setup(struct front_h2_shared *s, struct ev_loop *loop);
void front_h2_teardown(struct front_h2_shared *s);
