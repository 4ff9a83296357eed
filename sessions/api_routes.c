#include <stdio.h>

#include "core/hex_base64.h"
#include "core/mem.h"
#include "sessions/api_internal.h"

/* Every call there is. The documentation is made from this table (api_describe). */
static const struct api_route routes[] = {
    {"GET", "/v1/sessions", API_READ, BODY_NONE, api_sessions_list,
     "list sessions by name; `limit` (100, at most 1000), `cursor` (`next` of the page before), "
     "`owner`"},
    {"POST", "/v1/sessions", API_SESSION, BODY_JSON, api_sessions_create,
     "make a session; without `name` one is generated, and an identical unnamed preview is found "
     "again"},
    {"GET", "/v1/sessions/{}", API_READ, BODY_NONE, api_session_get,
     "one session, with its `etag`"},
    {"PUT", "/v1/sessions/{}", API_SESSION, BODY_JSON, api_session_put,
     "make or replace a session; `if-match`"},
    {"PATCH", "/v1/sessions/{}", API_SESSION, BODY_PATCH, api_session_patch,
     "change what the body has; `null` takes a service out; `if-match`"},
    {"DELETE", "/v1/sessions/{}", API_SESSION, BODY_NONE, api_session_delete,
     "end a session; `if-match`"},
    {"POST", "/v1/sessions/{}/extend", API_SESSION, BODY_OPTIONAL, api_session_extend,
     "begin its lifetime anew, with another `ttl` if given; `if-match`"},
    {"GET", "/v1/services", API_READ, BODY_NONE, api_services, "what is shared, and its health"},
    {"GET", "/v1/status", API_READ, BODY_NONE, api_status, "version, workers, certificates"},
    {"POST", "/v1/explain", API_READ, BODY_JSON, api_explain,
     "how a request (`url`, `headers`) would be routed, rule by rule"},
    {"GET", "/v1/events", API_READ, BODY_NONE, api_events,
     "server-sent events: what happens to sessions, and to the health of services; "
     "`last-event-id`"},
    {"POST", "/v1/watches", API_SESSION, BODY_JSON, api_watch_begin,
     "watch a trace for a minute: the requests whose `traceparent` has the `trace_id` of the "
     "answer; "
     "for a `session` of one's own"},
    {"DELETE", "/v1/watches/{}", API_SESSION, BODY_NONE, api_watch_end,
     "end a watch, by its `trace_id`, and tell what was seen"},
    {"GET", "/v1/tokens", API_ADMIN, BODY_NONE, api_tokens_list,
     "list tokens, without their secrets"},
    {"POST", "/v1/tokens", API_ADMIN, BODY_JSON, api_tokens_create,
     "make a token (`name`, `scope`: `read`, `session`, `admin`); its text is shown this once"},
    {"DELETE", "/v1/tokens/{}", API_ADMIN, BODY_NONE, api_token_delete, "revoke a token"},
    {"GET", "/v1/ca.pem", API_OPEN, BODY_NONE, api_ca, "the certificate of the internal CA"},
    {"GET", "/v1/tunnel", API_SESSION, BODY_NONE, api_tunnel,
     "switch to `linkup-tunnel/1`: the connection carries `linkup-sessions` to the agent "
     "`linkup-agent`"},
    {"POST", "/linkup/v2/sessions/preview", API_SESSION, BODY_JSON, api_linkup_preview,
     "a preview as Linkup's own clients ask for it; answers `session_name`"},
    {"GET", "/linkup/check", API_OPEN, BODY_NONE, api_linkup_check,
     "`OK`, for Linkup's own clients"},
};

static const char *const method_names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static unsigned method_bit(const char *method)
{
    for (unsigned i = 0; i < ARRAY_LEN(method_names); i++)
        if (strcmp(method, method_names[i]) == 0)
            return 1u << i;
    CHECK(false);
}

void api_methods_text(unsigned methods, char out[64])
{
    int len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < ARRAY_LEN(method_names); i++)
        if (methods & 1u << i)
            len += snprintf(out + len, 64 - (size_t)len, "%s%s%s", len ? ", " : "", method_names[i],
                            i == 0 ? ", HEAD" : "");
}

enum err api_decode(struct span s, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        size_t got;
        if (c == '%') {
            if (hex_decode(span_sub(s, i + 1, 2), &c, 1, &got) != ERR_OK || got != 1)
                return ERR_SYNTAX;
            i += 2;
        }
        if (c == '\0' || n + 1 >= cap)
            return ERR_RANGE;
        out[n++] = c;
    }
    out[n] = '\0';
    return ERR_OK;
}

/* Segment by segment. A parameter that cannot be decoded fits no path. */
static bool path_fits(const char *pattern, struct span path, char *param, size_t cap)
{
    struct span left = span_str(pattern), want, got;
    bool more_wanted, more_got;
    for (;;) {
        more_wanted = span_split(&left, '/', &want);
        more_got = span_split(&path, '/', &got);
        if (!more_wanted || !more_got)
            return more_wanted == more_got;
        if (!span_eq(want, SPAN_LIT("{}"))) {
            if (!span_eq(want, got))
                return false;
            continue;
        }
        if (got.len == 0 || api_decode(got, param, cap) != ERR_OK)
            return false;
    }
}

const struct api_route *api_route_find(struct span method, struct span path, char *param,
                                       size_t param_cap, unsigned *others)
{
    if (span_eq(method, SPAN_LIT("HEAD")))
        method = SPAN_LIT("GET");
    *others = 0;
    param[0] = '\0';
    /* A final '/' is one more, empty segment, which span_split does not tell. */
    if (path.len && path.p[path.len - 1] == '/')
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!path_fits(routes[i].path, path, param, param_cap))
            continue;
        if (span_eq(method, span_str(routes[i].method)))
            return &routes[i];
        *others |= method_bit(routes[i].method);
    }
    return NULL;
}

/* Queries */

static bool take_pair(struct span *rest, struct span *key, struct span *value)
{
    struct span pair;
    if (!span_split(rest, '&', &pair))
        return false;
    ptrdiff_t eq = span_chr(pair, '=');
    *key = eq < 0 ? pair : span_sub(pair, 0, (size_t)eq);
    *value = eq < 0 ? span_from(pair, pair.len) : span_from(pair, (size_t)eq + 1);
    return true;
}

enum err api_query(struct span query, const char *key, char *out, size_t cap)
{
    struct span k, v;
    while (take_pair(&query, &k, &v))
        if (span_eq(k, span_str(key)))
            return api_decode(v, out, cap);
    return ERR_NOT_FOUND;
}

bool api_query_only(struct api_request *q, const char *const *keys, size_t n)
{
    struct span rest = q->query, k, v;
    while (take_pair(&rest, &k, &v)) {
        bool known = k.len == 0 && v.len == 0;
        for (size_t i = 0; i < n; i++)
            known = known || span_eq(k, span_str(keys[i]));
        if (known)
            continue;
        char name[64];
        if (api_decode(k, name, sizeof name) != ERR_OK)
            name[0] = '\0';
        api_problem(q->call, 400, name, "This call knows no such parameter.");
        return false;
    }
    return true;
}

/* Documentation */

enum err api_describe(struct buf *out)
{
    static const char *const scopes[] = {[API_OPEN] = "none",
                                         [API_READ] = "`read`",
                                         [API_SESSION] = "`session`",
                                         [API_ADMIN] = "`admin`"};
    TRY(buf_printf(out, "| call | scope | does |\n|---|---|---|\n"));
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        const struct api_route *r = &routes[i];
        const char *param = strstr(r->path, "{}");
        size_t before = param ? (size_t)(param - r->path) : strlen(r->path);
        const char *name = !param                       ? ""
                           : strstr(r->path, "tokens")  ? "{id}"
                           : strstr(r->path, "watches") ? "{trace_id}"
                                                        : "{name}";
        TRY(buf_printf(out, "| `%s %.*s%s%s` | %s | %s |\n", r->method, (int)before, r->path, name,
                       param ? param + 2 : "", scopes[r->auth], r->doc));
    }
    return ERR_OK;
}
