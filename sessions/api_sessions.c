#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/names.h"
#include "core/log.h"
#include "core/mem.h"
#include "sessions/api_internal.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
/* A page ends early when it gets long, or when hardly any session is of the owner asked for: no call
 * may hold the control thread. */
#define PAGE_BYTES (1024 * 1024)
#define PAGE_LOOKS 10000

static json_t *shown(struct api *a, const struct session *s)
{
    json_t *json = session_to_json(s, a->config, registry_expires_ms(a->registry, s));
    json_t *tunnel = a->facts.tunnel_of ? a->facts.tunnel_of(a->facts.ctx, s->name) : NULL;
    if (tunnel)
        json_object_set_new(json, "tunnel", tunnel);
    return json;
}

static const char *etag_text(const struct session *s, char out[32])
{
    snprintf(out, 32, "\"%" PRIu64 "\"", s->version);
    return out;
}

/* Reading */

struct page {
    char owner[256], cursor[SESSION_NAME_MAX + 1];
    bool by_owner;
    uint64_t limit;
};

static bool bad_parameter(struct api_request *q, const char *name, const char *what)
{
    api_problem(q->call, 400, name, "%s", what);
    return false;
}

static bool read_page(struct api_request *q, struct page *p)
{
    static const char *const keys[] = {"limit", "cursor", "owner"};
    if (!api_query_only(q, keys, ARRAY_LEN(keys)))
        return false;
    char limit[8];
    *p = (struct page){.limit = PAGE_DEFAULT};
    enum err e = api_query(q->query, "limit", limit, sizeof limit);
    if (e == ERR_OK)
        e = span_to_u64(span_str(limit), &p->limit);
    if ((e != ERR_OK && e != ERR_NOT_FOUND) || p->limit < 1 || p->limit > PAGE_MAX)
        return bad_parameter(q, "limit", "It must be a number from 1 to 1000.");

    e = api_query(q->query, "cursor", p->cursor, sizeof p->cursor);
    if (e != ERR_NOT_FOUND && (e != ERR_OK || !name_is_session(span_str(p->cursor))))
        return bad_parameter(q, "cursor", "It must be the `next` of an earlier page.");

    e = api_query(q->query, "owner", p->owner, sizeof p->owner);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        return bad_parameter(q, "owner", "It cannot be decoded, or is too long.");
    p->by_owner = e == ERR_OK;
    return true;
}

static void add_shown(struct api *a, struct buf *out, const struct session *s, bool first)
{
    json_t *json = shown(a, s);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    CHECK(text && buf_printf(out, "%s%s", first ? "" : ",", text) == ERR_OK);
    free(text);
}

/* Pages are a position in the order of names, so that what comes and goes meanwhile shifts nothing. */
void api_sessions_list(struct api_request *q)
{
    struct api *a = q->api;
    struct page p;
    if (!read_page(q, &p))
        return;

    struct buf out;
    buf_init(&out, (size_t)PAGE_BYTES + 16 * (size_t)API_BODY_MAX);
    CHECK(buf_append(&out, SPAN_LIT("{\"sessions\":[")) == ERR_OK);
    uint64_t count = 0;
    const char *last = p.cursor;
    const struct session *s = registry_after(a->registry, span_str(p.cursor));
    for (int looks = 0; s && count < p.limit && looks < PAGE_LOOKS; looks++) {
        if (buf_len(&out) > PAGE_BYTES)
            break;
        last = s->name;
        if (!p.by_owner || strcmp(s->owner, p.owner) == 0)
            add_shown(a, &out, s, count++ == 0);
        s = registry_after(a->registry, span_str(s->name));
    }
    CHECK(buf_printf(&out, s ? "],\"next\":\"%s\"}" : "],\"next\":null}", last) == ERR_OK);
    api_answer_bytes(q->call, 200, "application/json", buf_span(&out), NULL, 0);
    buf_deinit(&out);
}

static void answer_session(struct api *a, struct api_call *c, int status, const struct session *s,
                           const char *location)
{
    char etag[32];
    const struct api_field extra[] = {{"etag", etag_text(s, etag)}, {"location", location}};
    api_answer_json(c, status, shown(a, s), extra, location ? 2 : 1);
}

void api_session_get(struct api_request *q)
{
    const struct session *s = registry_find(q->api->registry, span_str(q->param));
    if (s)
        answer_session(q->api, q->call, 200, s, NULL);
    else
        api_problem(q->call, 404, NULL, "There is no session \"%s\".", q->param);
}

/* Changing */

/* RFC 9110 13.1.1: "*" or a list of entity tags; weak ones never match. */
static bool read_match(struct api_request *q, struct registry_match *match)
{
    struct span rest = span_trim(q->call->if_match), tag;
    *match = (struct registry_match){.given = rest.len > 0};
    if (span_eq(rest, SPAN_LIT("*"))) {
        match->any = true;
        return true;
    }
    while (span_split(&rest, ',', &tag)) {
        tag = span_trim(tag);
        bool weak = span_starts(tag, SPAN_LIT("W/"));
        struct span quoted = span_from(tag, weak ? 2 : 0);
        if (quoted.len < 2 || quoted.p[0] != '"' || quoted.p[quoted.len - 1] != '"') {
            api_problem(q->call, 400, "if-match", "It must be \"*\" or entity tags in quotes.");
            return false;
        }
        uint64_t version;
        bool ours = span_to_u64(span_sub(quoted, 1, quoted.len - 2), &version) == ERR_OK;
        if (ours && !weak && match->n < REGISTRY_MATCH_MAX)
            match->versions[match->n++] = version;
    }
    return true;
}

void api_refuse_change(struct api *a, struct api_call *c, const struct registry_answer *answer)
{
    const struct session *s = answer->session;
    switch (answer->outcome) {
    case REGISTRY_BAD:
        api_problem(c, answer->fault->status, answer->fault->field, "%s", answer->fault->text);
        return;
    case REGISTRY_NO_SUCH:
        api_problem(c, 404, NULL, "There is no such session.");
        return;
    case REGISTRY_TAKEN:
        api_problem(c, 409, "name",
                    "There is a session of this name already. Choose another name; your own is "
                    "replaced with PUT.");
        return;
    case REGISTRY_FOREIGN:
        api_problem(c, 403, NULL,
                    "This session was made with another token; only that one or an admin's may "
                    "change it.");
        return;
    case REGISTRY_STALE:
        api_problem(c, 412, "if-match",
                    s ? "The session has changed meanwhile: it is at version %" PRIu64 "."
                      : "There is no such session.",
                    s ? s->version : 0);
        return;
    case REGISTRY_TOO_MANY:
        api_problem(c, 409, NULL,
                    "There are %zu sessions, as many as this edge takes (sessions.max). End some "
                    "first.",
                    registry_count(a->registry));
        return;
    case REGISTRY_DISK_FULL:
        api_problem_store(c, ERR_FULL);
        return;
    case REGISTRY_NOT_KEPT:
        api_problem_store(c, ERR_IO);
        return;
    case REGISTRY_CREATED:
    case REGISTRY_CHANGED:
    case REGISTRY_SAME:
    case REGISTRY_DELETED:
        break;
    }
    CHECK(false);
}

static void answer_change(struct api *a, struct api_call *c, const struct registry_answer *answer)
{
    char location[32 + SESSION_NAME_MAX];
    switch (answer->outcome) {
    case REGISTRY_CREATED:
        snprintf(location, sizeof location, "/v1/sessions/%s", answer->session->name);
        answer_session(a, c, 201, answer->session, location);
        return;
    case REGISTRY_CHANGED:
    case REGISTRY_SAME:
        answer_session(a, c, 200, answer->session, NULL);
        return;
    case REGISTRY_DELETED:
        api_answer_json(c, 204, NULL, NULL, 0);
        return;
    default:
        api_refuse_change(a, c, answer);
        return;
    }
}

static void on_changed(void *ctx, const struct registry_answer *answer)
{
    struct api_wait *w = (struct api_wait *)ctx;
    struct api *a = w->api;
    struct api_call *c = w->call;
    api_wait_end(w);
    if (a && c)
        answer_change(a, c, answer);
}

static void change(struct api_request *q, enum registry_verb verb)
{
    struct registry_change ch = {
        .verb = verb,
        .actor_token = q->token ? q->token->id : "",
        .actor_admin = q->admin,
        .name = span_str(q->param),
        .body = q->body,
    };
    if (!read_match(q, &ch.match))
        return;
    registry_change(q->api->registry, &ch, on_changed, api_wait_new(q));
}

/* "owner" is for people: who says nothing is called what the token is called. */
static void default_owner(struct api_request *q)
{
    if (q->token && !json_object_get(q->body, "owner"))
        json_object_set_new(q->body, "owner", json_string(q->token->name));
}

void api_sessions_create(struct api_request *q)
{
    default_owner(q);
    q->call->if_match = (struct span){0};
    change(q, REGISTRY_CREATE);
}

void api_session_put(struct api_request *q)
{
    if (!name_is_session(span_str(q->param))) {
        api_problem(q->call, 422, "name",
                    "A session's name has 1 to 40 of a-z, 0-9 and inner \"-\", and no \"--\".");
        return;
    }
    if (!registry_find(q->api->registry, span_str(q->param)))
        default_owner(q);
    change(q, REGISTRY_PUT);
}

void api_session_patch(struct api_request *q)
{
    change(q, REGISTRY_PATCH);
}

void api_session_delete(struct api_request *q)
{
    change(q, REGISTRY_DELETE);
}

void api_session_extend(struct api_request *q)
{
    if (!q->body)
        q->body = json_object();
    change(q, REGISTRY_EXTEND);
}
