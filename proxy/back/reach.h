/* A backend that is out of reach: who is told so at once, who goes elsewhere, and what the page says of it.
 * Private to the folder. */
#pragma once

#include "proxy/back/pool.h"
#include "proxy/exchange.h"

/* X need not try: the checks say that all of P is down, or X may go elsewhere and all addresses have
 * failed only just now. */
bool reach_is_down(const struct pool *p, const struct exchange *x);
/* X could not be brought to P's backend because of WHY: it goes to the shared copy where its session asks
 * for that, else it gets the page. It does not wait any more. */
void reach_failed(struct pool *p, struct exchange *x, enum page_reason why);
