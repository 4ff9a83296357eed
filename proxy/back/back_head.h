/* A response's head on its way from a back, of whatever protocol, to the front. Private to the folder. */
#pragma once

#include "proxy/exchange.h"

/* x->response is as the backend sent it. VIA is what it was received by. ERR_FULL: what the edge has to
 * change would break its limits; nothing was passed on. Otherwise the head was passed on, or the edge
 * answered in the backend's stead: the caller looks whether X is still its own. */
enum err back_head_pass(struct exchange *x, struct span via) MUST_USE;
