/* What workers ask of control, by mail: a certificate, that they have drained. */
#pragma once

#include "server/control.h"

void asks_certificate(struct edge_worker *w, const char *base);
void asks_drained(struct edge_worker *w);
/* On control, after the authority has gone: it does not answer any more. */
void asks_forget(struct control *c);
