/* The back that is the edge itself: collects the request, hands it to the server, streams its answer. */
#pragma once

#include "proxy/exchange.h"

void back_local_start(struct exchange *x);
