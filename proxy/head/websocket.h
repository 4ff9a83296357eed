/* The opening handshake of WebSockets. RFC 6455 4, RFC 8441. Pure.
 *
 * It has one form inside, HTTP/1.1's: a GET that asks for an upgrade and carries sec-websocket-key, and a
 * 101 with sec-websocket-accept that only who has read the key can give. HTTP/2 knows neither; where one
 * side speaks it they are made, or checked and left out, here. */
#pragma once

#include "proxy/head/message.h"

#define WEBSOCKET SPAN_LIT("websocket")
#define WEBSOCKET_ACCEPT_LEN 28

/* Whether KEY is 16 bytes in base64. */
bool websocket_key_valid(struct span key);
/* Whether H carries one key, and a valid one. */
bool websocket_has_key(const struct request_head *h);
/* Gives H a key of its own in place of any that it has: from a front that knows none. ERR_FULL: over the
 * limits. */
enum err websocket_make_key(struct request_head *h, struct arena *arena) MUST_USE;
/* What answers KEY (RFC 6455 4.2.2). */
void websocket_accept(struct span key, char out[WEBSOCKET_ACCEPT_LEN]);

/* Whether the 101 H, as it came from an HTTP/1.1 back, is the answer to REQUEST: it names the upgrade
 * that was asked for, and has read the key. Anything else is no tunnel, whatever its status. */
bool websocket_is_answer(const struct response_head *h, const struct request_head *request);
/* Makes the 2xx of an HTTP/2 back the 101 that REQUEST's front waits for. ERR_FULL: over the limits. */
enum err websocket_make_answer(struct response_head *h, const struct request_head *request,
                               struct arena *arena) MUST_USE;
