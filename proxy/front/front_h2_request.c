#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"
#include "proxy/h2/h2_field.h"
#include "proxy/head/websocket.h"

/* nghttp2 has checked the message's form (RFC 9113 8): pseudo fields first, complete and not twice, no
 * connection-specific fields, names lower case, values without control characters, and that the body
 * has the length announced. */

static enum err take_pseudo(struct exchange *x, struct span name, struct span value)
{
    struct request_head *h = &x->request;
    struct span copy = arena_copy(&x->arena, value);
    if (!copy.p)
        return ERR_FULL;
    if (span_eq(name, SPAN_LIT(":method"))) {
        h->method_text = copy;
        h->method = method_lookup(copy);
    } else if (span_eq(name, SPAN_LIT(":scheme"))) {
        h->scheme = copy;
    } else if (span_eq(name, SPAN_LIT(":authority"))) {
        h->authority = copy;
    } else if (span_eq(name, SPAN_LIT(":path"))) {
        h->target = copy;
        if (copy.len > TARGET_MAX)
            return ERR_RANGE;
    } else if (span_eq(name, SPAN_LIT(":protocol"))) {
        h->upgrade = copy;
    }
    return ERR_OK;
}

int front_h2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                       size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                       void *user)
{
    (void)session;
    (void)flags;
    struct front *f = user;
    if (!listen_is_inner(f->kind)) {
        front_h2_meter_field(&f->h2.meter, name_len, value_len);
        if (front_h2_meter_spent(&f->h2.meter))
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    struct exchange *x = front_h2_exchange(f, frame->hd.stream_id);
    if (!x || x->h2.refused || x->h2.refused_trailers)
        return 0;
    struct span n = span_of(name, name_len), v = span_of(value, value_len);
    enum err e;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        e = h2_field_take(&x->request_trailers, &x->arena, n, v);
    else if (name_len > 0 && name[0] == ':')
        e = take_pseudo(x, n, v);
    else
        e = h2_field_take(&x->request.fields, &x->arena, n, v);
    if (e == ERR_OK)
        return 0;
    /* Answered when the head has come whole: HPACK's state must see all of it. */
    front_h2_meter_charge(&f->h2.meter, FRONT_H2_COST_OVERSIZE, "heads too large");
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        x->h2.refused_trailers = true;
        return 0;
    }
    x->h2.refused = true;
    x->h2.refused_target = e == ERR_RANGE;
    return 0;
}

/* Part of a request is not passed on as if it were all. */
void front_h2_refuse_trailers(struct exchange *x)
{
    if (!x->head_sent) {
        exchange_refuse(x, PAGE_FIELDS_TOO_LARGE, "The trailers are too large.");
        return;
    }
    story_ends(&x->story, END_LIMIT);
    front_h2_reset(x->front, x, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* RFC 9113 8.3.1: a host field that differs from :authority makes the request ambiguous. */
static bool take_host(struct request_head *h)
{
    struct field *host = fields_find(&h->fields, FIELD_HOST);
    if (!host)
        return true;
    if (fields_count(&h->fields, FIELD_HOST) > 1)
        return false;
    if (h->authority.len > 0 && !span_eq_nocase(h->authority, host->value))
        return false;
    h->authority = host->value;
    fields_remove(&h->fields, FIELD_HOST);
    return true;
}

static bool target_is_valid(const struct request_head *h)
{
    if (span_eq(h->target, SPAN_LIT("*")))
        return h->method == METHOD_OPTIONS;
    if (h->target.len == 0 || h->target.p[0] != '/')
        return false;
    for (size_t i = 0; i < h->target.len; i++) {
        unsigned char c = (unsigned char)h->target.p[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
    }
    return true;
}

/* RFC 9110 10.1.1, as HTTP/1.1's front has it: nothing but 100-continue can be expected, and that only of
 * a request with content. */
static bool take_expectations(struct exchange *x)
{
    struct fields *f = &x->request.fields;
    const struct field *at = fields_find(f, FIELD_EXPECT);
    for (; at && at < f->v + f->n; at++) {
        struct span list = at->value, expectation;
        while (at->id == FIELD_EXPECT && field_list_next(&list, &expectation))
            if (!span_eq_nocase(expectation, SPAN_LIT("100-continue")))
                return false;
    }
    x->request.expect_continue = fields_find(f, FIELD_EXPECT) && !x->h2.body_ended;
    if (x->h2.body_ended)
        fields_remove(f, FIELD_EXPECT);
    return true;
}

static void frame_body(struct exchange *x)
{
    struct request_head *h = &x->request;
    const struct field *length = fields_find(&h->fields, FIELD_CONTENT_LENGTH);
    if (x->h2.body_ended || h->upgrade.len > 0)
        h->body = BODY_NONE;
    else if (length && span_to_u64(length->value, &h->content_length) == ERR_OK)
        h->body = BODY_LENGTH;
    else
        h->body = BODY_STREAM;
    fields_remove(&h->fields, FIELD_CONTENT_LENGTH);
}

/* RFC 8441 4, 5: what a client asks of HTTP/1.1 with GET and upgrade, it asks of HTTP/2 with CONNECT and
 * :protocol. False when X was refused. */
static bool take_connect(struct exchange *x)
{
    struct request_head *h = &x->request;
    if (!span_eq_nocase(h->upgrade, WEBSOCKET)) {
        h->upgrade = span_of(NULL, 0);
        exchange_refuse(x, PAGE_METHOD_UNSUPPORTED, NULL);
        return false;
    }
    h->upgrade = WEBSOCKET;
    h->method = METHOD_GET;
    h->method_text = SPAN_LIT("GET");
    if (websocket_make_key(h, &x->arena) == ERR_OK)
        return true;
    exchange_refuse(x, PAGE_FIELDS_TOO_LARGE, NULL);
    return false;
}

void front_h2_begin(struct exchange *x)
{
    struct request_head *h = &x->request;
    h->keep_alive = true;
    if (x->h2.refused) {
        exchange_refuse(x, x->h2.refused_target ? PAGE_TARGET_TOO_LONG : PAGE_FIELDS_TOO_LARGE,
                        NULL);
        return;
    }
    if (h->method == METHOD_CONNECT && !take_connect(x))
        return;
    if (!take_host(h)) {
        exchange_refuse(x, PAGE_BAD_REQUEST, "The host field and :authority differ.");
        return;
    }
    if (!target_is_valid(h)) {
        exchange_refuse(x, PAGE_BAD_REQUEST, "The :path is not a path.");
        return;
    }
    if (!take_expectations(x)) {
        exchange_refuse(x, PAGE_EXPECTATION_FAILED, NULL);
        return;
    }
    request_head_split_target(h);
    frame_body(x);
    if (h->method == METHOD_TRACE && h->body != BODY_NONE) { /* RFC 9110 9.3.8 */
        exchange_refuse(x, PAGE_BAD_REQUEST, "TRACE has no content.");
        return;
    }
    exchange_begin(x);
}
