/* The first steps of an exchange: which host, which session and service, which back. */
#pragma once

#include "proxy/exchange.h"

/* Routes X and starts its back, or answers it. */
void steer(struct exchange *x);
