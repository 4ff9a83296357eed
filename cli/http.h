/* One HTTP exchange with an edge, through libcurl: over TLS, or over a unix socket. Says nothing to
 * anyone but the "waiting" line on TALK; what went wrong is returned. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/arena.h"
#include "core/span.h"

struct http_target {
    const char *origin;    /* "https://edge.dev.example.com" or "http://localhost" */
    const char *unix_path; /* NULL: over TCP */
    const char *connect;   /* HOST:PORT to connect to instead, or NULL */
    struct span ca_pem;    /* trusted beside the system's roots */
    bool unverified;       /* only to fetch the CA's certificate, never with a token */
    const char *token;     /* NULL: none */
    long timeout_s;
    FILE *talk; /* told when it takes longer than a second; NULL: nobody */
};

struct http_request {
    const char *method;
    const char *path; /* from '/', with the query */
    const char *if_match;
    struct span body;          /* JSON; p NULL: none */
    const char *const *fields; /* further ones, "Name: value", ended by NULL; NULL: none */
    const char *accept;        /* NULL: JSON */
    bool as_agent;             /* as agents dial: HTTP/1.1, and past proxies of the environment */
    bool discard;              /* the answer's body is read, and not kept */
};

struct http_reply {
    int status;
    struct span body;                       /* terminated, in the arena */
    const char *content_type, *etag, *date; /* in the arena; NULL: not there */
};

enum http_failure {
    HTTP_DONE, /* an answer came, whatever its status */
    HTTP_UNRESOLVED,
    HTTP_UNCONNECTED,
    HTTP_UNTRUSTED, /* the edge's certificate is not trusted here */
    HTTP_TIMEOUT,
    HTTP_BROKEN,
    HTTP_BAD_ANSWER, /* too large, or no HTTP */
};

#define HTTP_WHY_MAX 256

/* WHY gets libcurl's words for a failure. */
enum http_failure http_exchange(const struct http_target *t, const struct http_request *r,
                                struct arena *arena, struct http_reply *out,
                                char why[HTTP_WHY_MAX]);
