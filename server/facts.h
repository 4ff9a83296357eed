/* What the API tells of the running edge. */
#pragma once

#include "server/control.h"

void facts_init(struct control *c);
