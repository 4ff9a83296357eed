/* The heads of a request and of a response, whatever the version of HTTP they came in.
 * All spans live in the exchange's arena. */
#pragma once

#include <stdint.h>

#include "proxy/head/field.h"

#define TARGET_MAX (16 * 1024)
#define HEAD_MAX (64 * 1024)

enum method {
    METHOD_OTHER = 0,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_CONNECT,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_PATCH,
};

/* How long a body is. */
enum body_kind {
    BODY_NONE,
    BODY_LENGTH,  /* content_length bytes */
    BODY_CHUNKED, /* HTTP/1.1 chunks */
    BODY_STREAM,  /* until the stream ends: HTTP/2, or a response until close */
};

struct request_head {
    enum method method;
    struct span method_text;
    struct span scheme;    /* "http" or "https" */
    struct span authority; /* Host or :authority, as received */
    struct span target;    /* path and query in origin-form, or "*" */
    struct span path;      /* of target, without the query */
    struct span query;     /* with '?', or empty */
    struct fields fields;  /* without host and pseudo fields */
    enum body_kind body;
    uint64_t content_length; /* BODY_LENGTH */
    bool http10;
    bool keep_alive;      /* HTTP/1: the connection may go on */
    bool expect_continue; /* 100-continue */
    struct span upgrade;  /* HTTP/1.1: the upgrade field, when connection names it; else empty */
};

struct response_head {
    int status;
    struct span reason; /* HTTP/1 */
    struct fields fields;
    enum body_kind body;
    uint64_t content_length;
    bool http10;
    bool keep_alive;
};

enum method method_lookup(struct span text);
/* RFC 9110 9.2.2. */
bool method_is_idempotent(enum method m);
bool method_is_safe(enum method m);
/* The reason phrase of RFC 9110 15, "" for unknown ones. */
const char *status_reason(int status);
/* Splits target into path and query. */
void request_head_split_target(struct request_head *h);
