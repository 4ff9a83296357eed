/* Calls of the edge's API: settings, HTTP and the answer's meaning in one step. */
#pragma once

#include "cli/cli.h"
#include "cli/http.h"

struct edge_request {
    const char *method;
    const char *path;     /* "/v1/sessions" */
    const char *if_match; /* NULL: none */
    const json_t *body;   /* NULL: none */
    bool plain;           /* the answer is no JSON */
    bool missing_ok;      /* 404 is an answer: nothing is said of it */
};

struct edge_reply {
    struct http_reply http;
    json_t *json; /* kept by the run; NULL on an empty answer */
};

/* Resolves the settings, calls, and on anything but success says what is wrong and what to do.
 * EXIT_DONE on a 2xx answer. */
enum exit_code edge_call(struct cli *c, const struct edge_request *r,
                         struct edge_reply *out) MUST_USE;

/* The exit code for an answer's status: 0 for 2xx. Pure. */
enum exit_code edge_exit_code(int status);
/* Says what the problem document (or whatever the answer is) says. */
void edge_tell_problem(struct cli *c, const struct http_reply *r);
/* Says why no answer came, and what to do. */
void edge_tell_failure(struct cli *c, enum http_failure f, const char *why);
/* How to reach the edge of the settings; without the token. */
struct http_target edge_target(struct cli *c);

/* BODY as a request has it; p is NULL for none. */
struct span edge_body(struct cli *c, const json_t *body);
/* A path with S percent-encoded behind PREFIX: "/v1/tokens/" + "a b". */
const char *edge_path(struct cli *c, const char *prefix, const char *s);
/* A member that is a string, else "". */
const char *json_text(const json_t *object, const char *key);
