/* Giving an open connection away: from a front whose client has switched protocols (RFC 9110 7.8) to who
 * goes on with it. */
#pragma once

#include "core/addr.h"

struct conn;

/* Moves FROM, an open connection of CLIENT's, to where it is to live (conn_move), before this returns. */
typedef void conn_taker(void *ctx, struct conn *from, const struct addr *client);
