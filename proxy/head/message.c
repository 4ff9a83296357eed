#include "proxy/head/message.h"

static const struct span methods[] = {
    [METHOD_GET] = SPAN_LIT("GET"),         [METHOD_HEAD] = SPAN_LIT("HEAD"),
    [METHOD_POST] = SPAN_LIT("POST"),       [METHOD_PUT] = SPAN_LIT("PUT"),
    [METHOD_DELETE] = SPAN_LIT("DELETE"),   [METHOD_CONNECT] = SPAN_LIT("CONNECT"),
    [METHOD_OPTIONS] = SPAN_LIT("OPTIONS"), [METHOD_TRACE] = SPAN_LIT("TRACE"),
    [METHOD_PATCH] = SPAN_LIT("PATCH"),
};

/* RFC 9110 9.1: methods are case-sensitive. */
enum method method_lookup(struct span text)
{
    for (enum method m = METHOD_GET; m <= METHOD_PATCH; m++)
        if (span_eq(text, methods[m]))
            return m;
    return METHOD_OTHER;
}

bool method_is_safe(enum method m)
{
    return m == METHOD_GET || m == METHOD_HEAD || m == METHOD_OPTIONS || m == METHOD_TRACE;
}

bool method_is_idempotent(enum method m)
{
    return method_is_safe(m) || m == METHOD_PUT || m == METHOD_DELETE;
}

static const char *const reasons_1xx[] = {"Continue", "Switching Protocols", "Processing",
                                          "Early Hints"};

static const char *const reasons_2xx[] = {
    "OK",
    "Created",
    "Accepted",
    "Non-Authoritative Information",
    "No Content",
    "Reset Content",
    "Partial Content",
    "Multi-Status",
    "Already Reported",
};

static const char *const reasons_3xx[] = {
    "Multiple Choices",
    "Moved Permanently",
    "Found",
    "See Other",
    "Not Modified",
    "Use Proxy",
    [7] = "Temporary Redirect",
    [8] = "Permanent Redirect",
};

static const char *const reasons_4xx[] = {
    "Bad Request",
    "Unauthorized",
    "Payment Required",
    "Forbidden",
    "Not Found",
    "Method Not Allowed",
    "Not Acceptable",
    "Proxy Authentication Required",
    "Request Timeout",
    "Conflict",
    "Gone",
    "Length Required",
    "Precondition Failed",
    "Content Too Large",
    "URI Too Long",
    "Unsupported Media Type",
    "Range Not Satisfiable",
    "Expectation Failed",
    [21] = "Misdirected Request",
    "Unprocessable Content",
    "Locked",
    "Failed Dependency",
    "Too Early",
    "Upgrade Required",
    [28] = "Precondition Required",
    "Too Many Requests",
    [31] = "Request Header Fields Too Large",
    [51] = "Unavailable For Legal Reasons",
};

static const char *const reasons_5xx[] = {
    "Internal Server Error",
    "Not Implemented",
    "Bad Gateway",
    "Service Unavailable",
    "Gateway Timeout",
    "HTTP Version Not Supported",
    "Variant Also Negotiates",
    "Insufficient Storage",
    "Loop Detected",
    [11] = "Network Authentication Required",
};

#define REASONS(table)                                                                             \
    {                                                                                              \
        table, sizeof(table) / sizeof(table)[0]                                                    \
    }

const char *status_reason(int status)
{
    static const struct {
        const char *const *texts;
        size_t n;
    } classes[] = {REASONS(reasons_1xx), REASONS(reasons_2xx), REASONS(reasons_3xx),
                   REASONS(reasons_4xx), REASONS(reasons_5xx)};
    if (status < 100 || status > 599)
        return "";
    size_t class = (size_t)status / 100 - 1;
    size_t at = (size_t)status % 100;
    const char *text = at < classes[class].n ? classes[class].texts[at] : NULL;
    return text ? text : "";
}

void request_head_split_target(struct request_head *h)
{
    ptrdiff_t query = span_chr(h->target, '?');
    size_t len = query < 0 ? h->target.len : (size_t)query;
    h->path = span_sub(h->target, 0, len);
    h->query = span_from(h->target, len);
}
