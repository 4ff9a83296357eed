#include "tunnel/agent/agent_answer.h"

#include <jansson.h>
#include <stdio.h>

#include "proxy/h1/parse.h"
#include "proxy/head/chars.h"
#include "tunnel/agent/agent_parts.h"

static void none(struct agent_answer *a, enum link_failure failure, const char *why)
{
    a->kind = ANSWER_NONE;
    a->failure = failure;
    snprintf(a->why, sizeof a->why, "%s", why);
}

/* --- what was refused ---------------------------------------------------------------------------- */

/* 408, 421 and 429 are of this connection or of this moment. */
static enum link_failure judge(int status)
{
    bool final = status >= 400 && status < 500 && status != 408 && status != 421 && status != 429;
    return final ? LINK_REFUSED : LINK_LATER;
}

/* RFC 9457: what the edge says of it. */
static void read_detail(struct agent_answer *a, struct span body, int status)
{
    json_t *problem = json_loadb(body.p, body.len, JSON_REJECT_DUPLICATES, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    if (detail && *detail)
        snprintf(a->why, sizeof a->why, "%s", detail);
    else
        snprintf(a->why, sizeof a->why, "the edge answers %d", status);
    for (char *p = a->why; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    json_decref(problem);
}

static void refused(struct agent_answer *a, const struct response_head *h, struct span body)
{
    const struct field *f = fields_find(&h->fields, FIELD_LINKUP_SESSION);
    a->kind = ANSWER_NONE;
    a->failure = judge(h->status);
    read_detail(a, body, h->status);
    if (f && span_copy_z(f->value, a->session, sizeof a->session) != ERR_OK)
        a->session[0] = '\0'; /* no session is called so */
}

/* --- the head ------------------------------------------------------------------------------------ */

/* RFC 9110 7.8; and it must say which tunnel it is. */
static bool is_tunnel(const struct response_head *h)
{
    const struct field *to = fields_find(&h->fields, FIELD_UPGRADE);
    const struct field *id = fields_find(&h->fields, FIELD_LINKUP_TUNNEL);
    return fields_list_has(&h->fields, FIELD_CONNECTION, SPAN_LIT("upgrade")) && to && id &&
           fields_count(&h->fields, FIELD_UPGRADE) == 1 &&
           span_eq_nocase(to->value, SPAN_LIT(AGENT_PROTOCOL)) && id->value.len > 0;
}

/* So many bytes are to be there before a refusal is read. What is too long for a problem document, or has no
 * length that is told beforehand, is not waited for. */
static size_t whole(const struct agent_answer *a, const struct response_head *h)
{
    if (h->body == BODY_LENGTH && h->content_length <= ANSWER_BODY_MAX)
        return a->head_len + (size_t)h->content_length;
    return h->body == BODY_STREAM ? a->head_len + ANSWER_BODY_MAX : a->head_len;
}

static void read_head(struct agent_answer *a, struct span in, bool eof, struct arena *arena)
{
    struct response_head h;
    struct h1_fault fault = {0};
    if (h1_parse_response(span_sub(in, 0, a->head_len), METHOD_GET, arena, &h, &fault) != ERR_OK) {
        none(a, LINK_LATER, "what answers is no edge: it does not speak HTTP");
        return;
    }
    if (h.status == 101 && is_tunnel(&h)) {
        a->kind = ANSWER_TUNNEL;
        return;
    }
    if (h.status < 300) {
        none(a, LINK_LATER, "what answers is no edge: it opens no tunnel");
        return;
    }
    a->need = whole(a, &h);
    if (in.len >= a->need || (eof && h.body == BODY_STREAM))
        refused(a, &h, span_sub(in, a->head_len, a->need - a->head_len));
    else if (eof)
        none(a, LINK_UNREACHED, "the edge broke off its answer");
}

void agent_answer_read(struct agent_answer *a, struct span in, bool eof)
{
    struct h1_fault fault = {0};
    struct arena arena;
    CHECK(a->kind == ANSWER_MORE);
    if (in.len < a->need && !eof)
        return; /* the head is known, and is read again with the rest */
    if (a->head_len == 0) {
        enum err e = h1_find_head(in, &a->scanned, &a->head_len, &fault);
        if (e == ERR_AGAIN && eof)
            none(a, LINK_UNREACHED, "the edge closed the connection");
        else if (e != ERR_OK && e != ERR_AGAIN)
            none(a, LINK_LATER, "what answers is no edge: it does not speak HTTP");
        if (e != ERR_OK)
            return;
    }
    arena_init(&arena, NULL, 0, 4 * HEAD_MAX);
    read_head(a, in, eof, &arena);
    arena_deinit(&arena);
}
