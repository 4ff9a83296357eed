/* What an HTTP/2 client sends passes here on its way to nghttp2: frame by frame, metered
 * (front_h2_meter.h) and held against the streams that have been (front_h2_past.h). Who has spent the
 * budget gets GOAWAY(ENHANCE_YOUR_CALM), and is not listened to any more. Private to the folder. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "core/span.h"

struct front;

/* Gives IN to the session. It may end the connection (front_h2_end). */
void front_h2_take(struct front *f, struct span in);
/* Says GOAWAY with the error CODE. With ENHANCE_YOUR_CALM all exchanges end, and nothing is read any
 * more: what the client still sends costs nothing. */
void front_h2_end(struct front *f, uint32_t code);
/* After the GOAWAY of one who was told to be calm: closes soon, whatever comes. */
void front_h2_calm_drained(struct front *f);

/* For the session's callbacks of the same names. */
int front_h2_guard_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error,
                           void *user);
void front_h2_guard_sent(struct front *f, const nghttp2_frame *frame);
