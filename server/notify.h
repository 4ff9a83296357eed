/* Tells a service manager how it goes (sd_notify's protocol: a datagram to $NOTIFY_SOCKET). */
#pragma once

/* STATE: "READY=1", "RELOADING=1", "STOPPING=1". Nothing happens without a manager. */
void notify(const char *state);
