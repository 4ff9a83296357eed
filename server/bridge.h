/* API calls from a worker, where the HTTP is, to control, where the truth is, and the answers back. */
#pragma once

#include "server/control.h"

/* On the worker: hands CALL over. */
void bridge_call(struct edge_worker *w, bool admin_peer, struct local_call *call);
/* On control: the worker that CALL came from. */
struct edge_worker *bridge_worker(struct api_call *call);
/* On the worker: the client has gone; CALL may be freed. */
void bridge_cancel(struct local_call *call);
