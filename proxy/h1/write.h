/* Serialising HTTP/1.1 heads and chunk framing into a buffer. Fields must be valid: they come from our
 * own parsers or tables; it is asserted that none holds CR, LF or NUL.
 *
 * Framing and connection options are ours to say: lines among the fields that would say them a second
 * time are not written. */
#pragma once

#include "core/buf.h"
#include "proxy/head/message.h"

/* The request line, host, all fields, framing (content-length, or transfer-encoding: chunked for
 * BODY_CHUNKED and BODY_STREAM), connection when CONNECTION is not empty ("upgrade": then the upgrade
 * field is written from H->upgrade), and "te" among its options with a te field (RFC 9110 10.1.4), the
 * empty line. ERR_FULL when OUT's ceiling is reached; then nothing was written. */
enum err h1_write_request(struct buf *out, const struct request_head *h, struct span target,
                          struct span host, struct span connection) MUST_USE;
/* The status line, all fields, framing (content-length for BODY_LENGTH, transfer-encoding for
 * BODY_CHUNKED; the body of a BODY_STREAM ends with the connection), and connection. A content-length
 * among the fields is written with BODY_NONE: it describes what HEAD or 304 do not send. */
enum err h1_write_response(struct buf *out, const struct response_head *h,
                           struct span connection) MUST_USE;
/* A chunk's header "1a2b\r\n" into OUT (at least 18 bytes); its length. The data is followed by CRLF. */
size_t h1_chunk_header(char out[18], size_t len);
/* "0\r\n", trailers, "\r\n". */
enum err h1_write_last_chunk(struct buf *out, const struct fields *trailers) MUST_USE;
