/* Watched traces: somebody asked for a short while what becomes of the requests of one trace, to be told
 * which service handed its context on and which did not (docs/doctor.md).
 *
 * A request belongs to a watched trace when its traceparent has the trace-id, or its x-request-id begins
 * with it. It is written down where it passes, and marked for the way with a hop of its own: as parent-id of
 * traceparent, as the rest of x-request-id, and as member linkup-hop of tracestate and baggage. What is
 * called because of it shows by any of these whose call it is. While nothing is watched a request pays
 * one comparison. One worker's thread only. */
#pragma once

#include "proxy/watch_marks.h"
#include "sessions/router.h"

/* Of one trace on one worker; of more only the number is kept. */
#define WATCH_SIGHTINGS_MAX 128
#define WATCH_NAME_MAX 64
#define WATCH_HOST_MAX 256

struct exchange;
struct proxy;

/* One request of the trace. Times are clock_us. */
struct sighting {
    struct sighting *next;
    struct exchange *exchange;   /* NULL: it has ended */
    uint64_t began_us, ended_us; /* 0: it has not */
    unsigned marks;              /* enum watch_field */
    char hop[TRACING_SPAN_LEN + 1];
    char
        caller[TRACING_SPAN_LEN + 1]; /* a hop, which need not be one of ours; "": none was named */
    char host[WATCH_HOST_MAX], service[WATCH_NAME_MAX], session[WATCH_NAME_MAX]; /* "": none */
    enum session_source source;
    enum route_outcome outcome;
    enum route_place place;
    int status; /* given to the client; 0: none yet, or never */
};

struct sightings {
    struct sighting *first, **end;
    size_t n;
    uint64_t missed; /* beyond WATCH_SIGHTINGS_MAX */
};

/* Watches TRACE (WATCH_TRACE_LEN lower-case hexadecimal digits) from the next request on. */
void proxy_watch(struct proxy *p, const char *trace);
/* Ends that; OUT gets what was seen, for sightings_deinit. Nothing for what is not watched. */
void proxy_unwatch(struct proxy *p, const char *trace, struct sightings *out);
void sightings_deinit(struct sightings *s);

/* --- for the exchange; each only while something is watched, or X is */

/* X has been routed: it is written down if its trace is watched. */
void watch_look(struct exchange *x);
/* Marks X's request for the way. ERR_FULL: over the limits. */
enum err watch_mark(struct exchange *x) MUST_USE;
/* X has ended. */
void watch_note_end(struct exchange *x);
/* Whatever is still watched is let go. */
void watch_close(struct proxy *p);
