/* The first steps of an exchange: which host, which session and service, which back. */
#pragma once

#include "proxy/exchange.h"

/* Routes X and starts its back, or answers it. */
void steer(struct exchange *x);
/* What is asked of X's backend: path, query and host, by X's route. False: a page has been given. */
bool steer_aim(struct exchange *x);
/* X's backend is out of reach and nothing of X was sent: goes to the shared copy instead, where the
 * session asks for that. False: it does not, and nothing was done. */
bool steer_fall_back(struct exchange *x);
/* X's session (if it has one) is in use: reported now and then, so that it does not expire. */
void steer_session_used(struct exchange *x);
