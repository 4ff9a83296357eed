/* Server-sent events (WHATWG HTML 9.2) to everyone who listens to /v1/events.
 *
 * Each event has an id, `<start of this edge>-<number>`. The last ones are kept, so that a listener
 * that comes back with Last-Event-ID misses nothing; one that was away for longer, or that knew
 * another run, is told `reset` and reads the lists anew. On the control thread. */
#pragma once

#include "sessions/api.h"

#define EVENTS_KEPT 512
#define EVENTS_HEARTBEAT_S 15.
/* A listener that is further behind is closed: it comes back and is told what it missed. */
#define EVENTS_PENDING_MAX (256 * 1024)
#define EVENTS_LISTENERS_MAX 1000

struct events;
struct events_listener;

struct events *events_new(struct ev_loop *loop);
/* Ends every listener's answer. */
void events_free(struct events *v);
/* Answers C with the stream; CLOSED ends it, when it is the hub that does. NULL when there are too
 * many already: nothing was answered. */
struct events_listener *events_listen(struct events *v, struct api_call *c,
                                      void (*closed)(struct api_call *c));
/* The client went away: nothing is called any more. */
void events_forget(struct events_listener *l);
/* Ends L's answer, as the hub does with one that is too slow. */
void events_close(struct events_listener *l);
void events_close_all(struct events *v);
/* DATA is borrowed. */
void events_send(struct events *v, const char *what, json_t *data);
/* What the timer does every EVENTS_HEARTBEAT_S. */
void events_beat(struct events *v);
size_t events_listeners(const struct events *v);
