/* /healthz, /readyz and /metrics on listen.metrics: answered by the worker itself. */
#pragma once

#include "server/worker.h"

void probes_answer(struct edge_worker *w, struct local_call *call);
