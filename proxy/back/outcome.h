/* What becomes of attempts, told to the endpoints, counted and logged. For dials and backs of every kind.
 * Private to the folder. */
#pragma once

#include "config/config.h"
#include "proxy/back/endpoints.h"

struct pool;
struct proxy;

/* AT (of TO's endpoints E) could not be connected to. */
void outcome_failed(struct proxy *p, const struct config_backend *to, struct endpoints *e,
                    struct endpoint *at);
/* A connection of POOL to AT that was new broke before the head of a response. */
void outcome_broke(struct pool *pool, struct endpoint *at);
/* The head of a response came. */
void outcome_answered(struct pool *pool, struct endpoint *at);
