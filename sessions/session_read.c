/* Reading JSON strictly: every refusal names the field. */
#include <stdarg.h>
#include <stdio.h>

#include "config/regex.h"
#include "sessions/regex.h"
#include "sessions/session_record.h"

/* Fields and texts quote what a client sent, cut off anywhere: as ASCII they stay valid JSON. */
static void make_ascii(char *s)
{
    for (; *s; s++)
        if (*s < ' ' || *s > '~')
            *s = '?';
}

enum err read_fail(struct reader *r, const char *at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(r->fault->text, sizeof r->fault->text, fmt, args);
    va_end(args);
    snprintf(r->fault->field, sizeof r->fault->field, "%s", at);
    make_ascii(r->fault->text);
    make_ascii(r->fault->field);
    r->fault->status = 422;
    return ERR_SYNTAX;
}

enum err read_full(struct reader *r)
{
    enum err e = read_fail(r, "", "the session is too large");
    r->fault->status = 413;
    return e;
}

const char *read_path(char path[READ_PATH_MAX], const char *at, const char *name)
{
    snprintf(path, READ_PATH_MAX, "%s%s%s", at, *at ? "." : "", name);
    return path;
}

static const struct member *member_of(const struct member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static enum err check_members(struct reader *r, json_t *v, const char *at,
                              const struct member *members, size_t n)
{
    char path[READ_PATH_MAX];
    const char *name;
    json_t *value;
    if (!json_is_object(v))
        return read_fail(r, at, "must be an object");
    json_object_foreach(v, name, value)
    {
        if (!member_of(members, n, name))
            return read_fail(r, read_path(path, at, name), "is not a field that is known here");
    }
    return ERR_OK;
}

enum err read_object(struct reader *r, json_t *v, const char *at, const struct member *members,
                     size_t n, void *out)
{
    char path[READ_PATH_MAX];
    TRY(check_members(r, v, at, members, n));
    for (size_t i = 0; i < n; i++) {
        json_t *value = json_object_get(v, members[i].name);
        read_path(path, at, members[i].name);
        if (!value && members[i].required)
            return read_fail(r, path, "is missing");
        if (value && members[i].read)
            TRY(members[i].read(r, value, path, (char *)out + members[i].offset));
    }
    return ERR_OK;
}

enum err read_list(struct reader *r, json_t *v, const char *at, size_t max, size_t size,
                   read_fn *each, void *out, size_t *n)
{
    char path[READ_PATH_MAX];
    size_t count = json_array_size(v);
    if (!json_is_array(v))
        return read_fail(r, at, "must be a list");
    if (count > max)
        return read_fail(r, at, "must not have more than %zu items", max);
    if (count == 0)
        return ERR_OK;

    char *items = (char *)arena_alloc(&r->s->arena, count * size);
    if (!items)
        return read_full(r);
    memset(items, 0, count * size);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s[%zu]", at, i);
        TRY(each(r, json_array_get(v, i), path, items + i * size));
    }
    memcpy(out, &items, sizeof items);
    *n = count;
    return ERR_OK;
}

static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

enum err read_text(struct reader *r, json_t *v, const char *at, size_t min, size_t max,
                   const char **out)
{
    if (!json_is_string(v))
        return read_fail(r, at, "must be text");
    struct span s = span_of(json_string_value(v), json_string_length(v));
    if (s.len < min)
        return read_fail(r, at, "must not be empty");
    if (s.len > max)
        return read_fail(r, at, "must not be longer than %zu bytes", max);
    if (has_control(s))
        return read_fail(r, at, "must not hold control characters");
    *out = arena_strz(&r->s->arena, s);
    return *out ? ERR_OK : read_full(r);
}

enum err read_bool(struct reader *r, json_t *v, const char *at, void *out)
{
    if (!json_is_boolean(v))
        return read_fail(r, at, "must be true or false");
    *(bool *)out = json_is_true(v);
    return ERR_OK;
}

enum err read_number(struct reader *r, json_t *v, const char *at, void *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return read_fail(r, at, "must be a whole number, 0 or more");
    *(int64_t *)out = json_integer_value(v);
    return ERR_OK;
}

enum err read_regex(struct reader *r, json_t *v, const char *at, void *out)
{
    char why[REGEX_WHY_MAX];
    const char **pattern = (const char **)out;
    TRY(read_text(r, v, at, 1, REGEX_PATTERN_MAX, pattern));
    if (r->mode != READ_STORED && regex_check(span_str(*pattern), NULL, why) != ERR_OK)
        return read_fail(r, at, "must be a regex (%s)", why);
    return ERR_OK;
}

/* --- rewrites --- */

static enum err check_target(struct reader *r, const struct config_rewrite *w, const char *at)
{
    char why[REGEX_WHY_MAX], path[READ_PATH_MAX];
    uint32_t groups = 0;
    read_path(path, at, "target");
    for (const char *p = w->target; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '?' || *p == '#')
            return read_fail(r, path,
                             "is a path: '?', '#', spaces and other than ASCII characters must be "
                             "percent-encoded");
    if (regex_check(span_str(w->source), &groups, why) != ERR_OK)
        return read_fail(r, at, "must have a regex as its source (%s)", why);
    int stray = regex_target_stray(span_str(w->target), groups);
    if (stray >= 0)
        return read_fail(r, path, "uses $%d, but the source has %u group%s", stray, groups,
                         groups == 1 ? "" : "s");
    return ERR_OK;
}

static enum err read_target(struct reader *r, json_t *v, const char *at, void *out)
{
    return read_text(r, v, at, 0, REGEX_PATTERN_MAX, (const char **)out);
}

static enum err read_rewrite(struct reader *r, json_t *v, const char *at, void *out)
{
    static const struct member members[] = {
        {"source", read_regex, offsetof(struct config_rewrite, source), true},
        {"target", read_target, offsetof(struct config_rewrite, target), true},
    };
    TRY(read_object(r, v, at, members, 2, out));
    return r->mode == READ_STORED ? ERR_OK : check_target(r, (struct config_rewrite *)out, at);
}

enum err read_rewrite_list(struct reader *r, json_t *v, const char *at, struct config_rewrite **out,
                           size_t *n)
{
    return read_list(r, v, at, SESSION_REWRITES_MAX, sizeof **out, read_rewrite, out, n);
}

enum err read_rewrites(struct reader *r, json_t *v, const char *at, void *out)
{
    struct session *s = (struct session *)out;
    return read_rewrite_list(r, v, at, &s->rewrites, &s->n_rewrites);
}
