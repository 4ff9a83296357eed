/* What happens to the machine of an agent: it sleeps and wakes up, its network changes. A connection that was
 * good before is not worth much then, and what waits for its next try need not wait. Private to the
 * folder. */
#pragma once

struct agent;

void agent_watch_wake(struct agent *a);
void agent_unwatch_wake(struct agent *a);
/* agent.c: the machine has slept, or stood still. */
void agent_awoke(struct agent *a);
