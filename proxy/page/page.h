/* Error answers: every one the edge gives itself comes from here, as HTML for people,
 * application/problem+json where `accept` asks for JSON, else text. RFC 9457, RFC 9110 12.5.1.
 *
 * They name session, service, what was tried and what to do, and no internal address. */
#pragma once

#include "core/buf.h"
#include "proxy/head/message.h"
#include "sessions/router.h"

/* Why; each has a status, a title and an advice in one table (page.c). */
enum page_reason {
    PAGE_BAD_REQUEST,         /* 400 */
    PAGE_UNKNOWN_HOST,        /* 404 */
    PAGE_UNKNOWN_SESSION,     /* 404 */
    PAGE_UNKNOWN_SERVICE,     /* 404 */
    PAGE_HEADER_TIMEOUT,      /* 408 */
    PAGE_CONTENT_TOO_LARGE,   /* 413 */
    PAGE_TARGET_TOO_LONG,     /* 414 */
    PAGE_EXPECTATION_FAILED,  /* 417 */
    PAGE_MISDIRECTED,         /* 421 */
    PAGE_SESSION_REQUIRED,    /* 422 */
    PAGE_FIELDS_TOO_LARGE,    /* 431 */
    PAGE_METHOD_UNSUPPORTED,  /* 501 */
    PAGE_VERSION_UNSUPPORTED, /* 505 */
    PAGE_BACK_REFUSED,        /* 502: refused the connection */
    PAGE_BACK_BROKE,          /* 502: broke or spoke no HTTP */
    PAGE_BACK_NAME,           /* 502: its host name has no address */
    PAGE_BACK_UNTRUSTED,      /* 502: TLS failed, or its certificate is not trusted */
    PAGE_BACK_PATH,           /* 502: a rewrite makes a path that is none */
    PAGE_BACK_NO_UPGRADE,     /* 502: a 2xx, over HTTP/2, where it was asked for a WebSocket */
    PAGE_BACK_DOWN,           /* 503 */
    PAGE_TUNNEL_DOWN,         /* 503 */
    PAGE_TUNNEL_LOST,         /* 502: it broke while the request was under way */
    PAGE_TUNNEL_SERVICE,      /* 503: its agent does not have the service */
    PAGE_OVERLOADED,          /* 503 */
    PAGE_BACK_SILENT,         /* 504 */
    PAGE_LOOP,                /* 508 */
    PAGE_HOME,                /* 200: no error: what people see who open edge.<zone> */
    PAGE_REASON_COUNT
};

struct page_facts {
    struct span host;                 /* as asked for; may be empty */
    const struct route_result *route; /* NULL before routing */
    const struct route_table *table;  /* NULL, or for the list of services */
    const char *detail;               /* NULL, or a sentence of its own */
    struct span request_id;
    int64_t
        down_since_ms;    /* wall clock: the backend has been down since then; 0: nothing is said */
    const char *down_why; /* NULL, or what its health checks say */
};

int page_status(enum page_reason r);
/* Its name in a problem's type and in the access log: "backend-refused". */
const char *page_slug(enum page_reason r);
/* The reason of that name; OTHER where there is none. */
enum page_reason page_of_slug(struct span slug, enum page_reason other);
/* Writes the body to OUT and sets *CONTENT_TYPE (static). ACCEPT: the field's value, may be empty. */
enum err page_write(enum page_reason r, const struct page_facts *facts, struct span accept,
                    struct buf *out, const char **content_type) MUST_USE;
