/* The back that is a connection of which the edge reads nothing: the client's TLS is the backend's own.
 * Never pooled, for there is no telling where one client's bytes end. */
#pragma once

#include "proxy/exchange.h"

/* Starts X's way to the backend of its route; X is passed through (exchange.h). When it fails before the
 * backend has said anything, X's abort is called with no response byte sent. */
void back_raw_start(struct exchange *x);
