/* HUP: the file is read and checked again; if it is right, everyone goes over to it, else nothing
 * changes and the log says why. */
#pragma once

#include "server/control.h"

/* Watches the signal. */
void reload_watch(struct control *c);
void reload_unwatch(struct control *c);
