#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sessions/api_internal.h"

#define FIELDS_MAX 8

static bool is_head(const struct api_call *c)
{
    return span_eq(c->method, SPAN_LIT("HEAD"));
}

/* What the API answers is nobody's to keep: it changes, and may hold a secret. */
void api_answer_bytes(struct api_call *c, int status, const char *type, struct span body,
                      const struct api_field *extra, size_t n_extra)
{
    struct api_field fields[FIELDS_MAX] = {{"cache-control", "no-store"},
                                           {"x-content-type-options", "nosniff"}};
    size_t n = 2;
    char length[24];
    snprintf(length, sizeof length, "%zu", body.len);
    if (type)
        fields[n++] = (struct api_field){"content-type", type};
    if (type)
        fields[n++] = (struct api_field){"content-length", length};
    CHECK(n + n_extra <= FIELDS_MAX);
    for (size_t i = 0; i < n_extra; i++)
        fields[n++] = extra[i];
    c->head(c, status, fields, n);
    if (body.len && !is_head(c))
        c->data(c, body);
    c->end(c);
}

static void answer_text(struct api_call *c, int status, const char *type, json_t *body,
                        const struct api_field *extra, size_t n_extra)
{
    char *text = json_dumps(body, JSON_COMPACT);
    CHECK(text);
    json_decref(body);
    api_answer_bytes(c, status, type, span_str(text), extra, n_extra);
    free(text);
}

void api_answer_json(struct api_call *c, int status, json_t *body, const struct api_field *extra,
                     size_t n_extra)
{
    if (body)
        answer_text(c, status, "application/json", body, extra, n_extra);
    else
        api_answer_bytes(c, status, NULL, (struct span){0}, extra, n_extra);
}

static const char *phrase(int status)
{
    static const struct {
        int status;
        const char *text;
    } phrases[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {503, "Service Unavailable"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].text;
    CHECK(false);
}

/* Text that quotes what came in may have been cut inside a character. */
static json_t *ascii_string(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *p = copy; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    json_t *s = json_string(copy);
    mem_free(copy);
    return s;
}

static void problem(struct api_call *c, int status, const char *field,
                    const struct api_field *extra, size_t n_extra, const char *detail)
{
    /* about:blank: the status says it all, and its phrase is the title (RFC 9457 4.2.1). */
    json_t *body = json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank", "title", phrase(status),
                             "status", status, "detail", ascii_string(detail));
    if (field && *field)
        json_object_set_new(body, "field", ascii_string(field));
    answer_text(c, status, "application/problem+json", body, extra, n_extra);
}

void api_problem(struct api_call *c, int status, const char *field, const char *fmt, ...)
{
    char detail[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    problem(c, status, field, NULL, 0, detail);
}

void api_problem_with(struct api_call *c, int status, const struct api_field *extra, size_t n_extra,
                      const char *fmt, ...)
{
    char detail[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    problem(c, status, NULL, extra, n_extra, detail);
}

void api_problem_store(struct api_call *c, enum err e)
{
    if (e == ERR_FULL) {
        api_problem(
            c, 507, NULL,
            "The edge's disk has no room for the change; nothing was changed. Somebody has to "
            "free some in the state folder.");
        return;
    }
    static const struct api_field later[] = {{"retry-after", "5"}};
    api_problem_with(
        c, 503, later, 1,
        "The edge could not write the change to its disk; nothing was changed. Its log "
        "says why.");
}
