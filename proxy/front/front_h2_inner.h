/* HTTP/2 fronts whose peer is our own: relays between workers, and the agent's end of a tunnel. What a
 * client is watched for does not apply there: its pace, its floods, its idleness; other people's clients
 * are behind it, and whoever they came to has looked at that. Private to the folder. */
#pragma once

#include "core/span.h"

struct front;

/* Streams at once. */
#define INNER_STREAMS 1000
/* What of bodies waits in memory for slow backs: so much that some streams that stand still do not stop the
 * others. */
#define INNER_CONNECTION_WINDOW (128 * 1024 * 1024)

/* Takes what came. */
void front_h2_inner_take(struct front *f, struct span in);
/* After each turn, in the place of front_h2_arm_deadline. */
void front_h2_inner_arm(struct front *f);
/* The deadline has passed: it is over. */
void front_h2_inner_deadline(struct front *f);
