/* Something that every worker must have done before control goes on: posted to each, applied there,
 * acknowledged, counted. */
#pragma once

#include "server/control.h"

/* APPLY runs once on every worker's thread with PAYLOAD, which is not changed meanwhile; then DONE (may
 * be NULL) runs on the control thread with PAYLOAD, and disposes of it. */
void broadcast(struct control *c, void (*apply)(struct edge_worker *w, void *payload),
               void (*done)(struct control *c, void *payload), void *payload);
