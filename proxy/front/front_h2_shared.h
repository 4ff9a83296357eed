/* What all HTTP/2 fronts of a worker share; private to the folder. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "proxy/front/front_h2_mem.h"

struct front_h2_shared {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct front_h2_slabs slabs;
};

void front_h2_setup(struct front_h2_shared *s);
void front_h2_teardown(struct front_h2_shared *s);
