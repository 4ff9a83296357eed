/* Control's side of watched traces: tells every worker, and gathers what each has seen. What a worker sees
 * stays with it until the watch ends: requests cost no mail. */
#pragma once

#include "server/control.h"

/* As api_facts has them; CTX: the control. */
void watches_begin(void *ctx, const char *trace, api_watch_begun *begun, void *begun_ctx);
void watches_end(void *ctx, const char *trace, api_watch_ended *ended, void *ended_ctx);
