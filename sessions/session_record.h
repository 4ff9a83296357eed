/* How records are made and written: private to session*.c. */
#pragma once

#include "sessions/session.h"

/* An empty record, the caller's. */
struct session *session_new(void);

/* New references. What is routed: services, domains (by name), rewrites, cache_routes. */
json_t *session_content_json(const struct session *s);
/* As a body would have it. */
json_t *session_body_json(const struct session *s);

enum read_mode {
    READ_NEW,     /* POST */
    READ_NAMED,   /* PUT: what only the edge sets is passed over */
    READ_PATCHED, /* a record with a PATCH merged into it */
    READ_STORED,  /* our own writing: the configuration is not asked */
};

/* JSON on its way into a record. */
struct reader {
    enum read_mode mode;
    const struct config *config; /* NULL when stored */
    const struct session *base;  /* of a PATCH */
    struct session *s;
    struct session_fault *fault;
};

/* Fills FAULT and gives ERR_SYNTAX. AT: the field's path. */
enum err read_fail(struct reader *r, const char *at, const char *fmt, ...)
    PRINTF_LIKE(3, 4) MUST_USE;
/* The record takes more room than a record may: 413. */
enum err read_full(struct reader *r) MUST_USE;

/* Each reads V, the field at path AT, into OUT. */
typedef enum err read_fn(struct reader *r, json_t *v, const char *at, void *out);

struct member {
    const char *name;
    read_fn *read; /* NULL: passed over */
    size_t offset; /* in the structure that the object is read into */
    bool required;
};

#define READ_PATH_MAX 128
/* The members of V, an object, in the order of the table; what is not in the table is an error. */
enum err read_object(struct reader *r, json_t *v, const char *at, const struct member *members,
                     size_t n, void *out) MUST_USE;
/* "AT.NAME", or NAME at the top. Returns PATH. */
const char *read_path(char path[READ_PATH_MAX], const char *at, const char *name);

/* A list of at most MAX items, each read with EACH into an element of SIZE bytes. */
enum err read_list(struct reader *r, json_t *v, const char *at, size_t max, size_t size,
                   read_fn *each, void *out, size_t *n) MUST_USE;
/* Text of 1 (or 0) to MAX bytes without control characters, in the record's arena. */
enum err read_text(struct reader *r, json_t *v, const char *at, size_t min, size_t max,
                   const char **out) MUST_USE;

/* read_fn, into a bool, an int64_t (not negative), a const char * (a pattern that compiles). */
enum err read_bool(struct reader *r, json_t *v, const char *at, void *out);
enum err read_number(struct reader *r, json_t *v, const char *at, void *out);
enum err read_regex(struct reader *r, json_t *v, const char *at, void *out);

/* read_fn for members of struct session; OUT is the session. */
enum err read_services(struct reader *r, json_t *v, const char *at, void *out);
enum err read_domains(struct reader *r, json_t *v, const char *at, void *out);
enum err read_rewrites(struct reader *r, json_t *v, const char *at, void *out);
/* Rewrites of a service or a session. */
enum err read_rewrite_list(struct reader *r, json_t *v, const char *at, struct config_rewrite **out,
                           size_t *n) MUST_USE;
/* Where domains may lie, and that their services exist: after all is read. */
enum err read_check_domains(struct reader *r) MUST_USE;
/* A preview of what only the edge's own machine serves is of no use to anyone else: 400. */
enum err read_check_preview(struct reader *r) MUST_USE;
