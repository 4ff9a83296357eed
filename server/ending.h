/* How linkupd ends: TERM drains, a second one exits at once. */
#pragma once

#include "server/control.h"

/* Watches the signals. */
void ending_watch(struct control *c);
void ending_unwatch(struct control *c);
/* One more worker has no connection left. */
void ending_drained(struct control *c);
