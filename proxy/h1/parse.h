/* Strict parsing of HTTP/1.1 heads. RFC 9112, with none of the leniences it allows: no bare LF, no
 * obs-fold, no white space before the colon, no control characters, one Host, no mixed framing. */
#pragma once

#include "proxy/head/message.h"

/* Why a request was refused, and with what status (400, 414, 417, 431, 501, 505). */
struct h1_fault {
    int status;
    const char *text; /* static */
};

/* Looks for the end of a head in IN: *LEN gets its length with the final empty line. SCANNED carries
 * over between calls how far was looked (start with 0), so that slow arrival costs linear time.
 * ERR_AGAIN: not all there yet; ERR_FULL: longer than HEAD_MAX (or the start line longer than allowed:
 * FAULT); ERR_SYNTAX: bare CR, bare LF or another control character on the way: FAULT. Leading empty
 * lines (RFC 9112 2.2) must be skipped by the caller through h1_skip_empty_line. */
enum err h1_find_head(struct span in, size_t *scanned, size_t *len,
                      struct h1_fault *fault) MUST_USE;
/* How many bytes of whole empty lines IN begins with. */
size_t h1_skip_empty_line(struct span in);

/* Parses the whole head in IN (as found), which is copied to ARENA once. Sets everything of OUT, but
 * `scheme` only in absolute-form, where the target's authority replaces Host as well.
 *
 * Of the fields, those are left out that are said in another way: host, content-length,
 * transfer-encoding; and http2-settings, which is not passed on. `upgrade` is "websocket" or empty:
 * h2c through a proxy would be a way around it. CONNECT is refused with 501, an unknown expectation
 * with 417. ERR_SYNTAX or ERR_FULL with FAULT; OUT then holds what had been understood. */
enum err h1_parse_request(struct span in, struct arena *arena, struct request_head *out,
                          struct h1_fault *fault) MUST_USE;
/* REQUEST_METHOD and status decide whether a body follows (RFC 9112 6.3). 1xx heads parse too. A
 * content-length stays among the fields where it describes a body that is not sent: the answer to HEAD,
 * and 304; then OUT->body is BODY_NONE. ERR_SYNTAX: the back's answer is not HTTP/1; FAULT->text says why. */
enum err h1_parse_response(struct span in, enum method request_method, struct arena *arena,
                           struct response_head *out, struct h1_fault *fault) MUST_USE;
