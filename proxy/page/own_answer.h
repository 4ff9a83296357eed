/* Answers that the edge gives itself: error pages, redirects, CORS preflights. The body lies whole in
 * the exchange and is pulled by the front like any other. */
#pragma once

#include "proxy/exchange.h"

/* Answers with the page for WHY. DETAIL: NULL or a sentence (static or in the arena). */
void own_answer_page(struct exchange *x, enum page_reason why, const char *detail);
/* 308 to the same place under https (RFC 9110 15.4.9). */
void own_answer_redirect(struct exchange *x);
/* 204 to OPTIONS that asks how far it comes (RFC 9110 7.6.2, 9.3.7). */
void own_answer_options(struct exchange *x);
/* 204 to a preflight of the same session. */
void own_answer_preflight(struct exchange *x);
