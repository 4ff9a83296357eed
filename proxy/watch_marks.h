/* By what a request is known to be of a watched trace (watch.h), and whose call it says it is. Pure. */
#pragma once

#include "proxy/head/tracing.h"

#define WATCH_TRACE_LEN 32

/* The fields that carry the trace: bits. */
enum watch_field { WATCH_TRACEPARENT = 1, WATCH_REQUEST_ID = 2 };

struct watch_marks {
    unsigned by;
    struct span caller; /* a span's id in F's storage; empty: none is named */
};

/* Whether the request with F is of TRACE, a trace-id. */
bool watch_marks_read(struct span trace, const struct fields *f, struct watch_marks *m);
