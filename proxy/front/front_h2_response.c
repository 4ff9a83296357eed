#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"
#include "proxy/h2/h2_field.h"

static struct span status_text(struct exchange *x, int status)
{
    if (status == 200)
        return SPAN_LIT("200");
    return arena_u64(&x->arena, (uint64_t)status);
}

/* What is said to HTTP/1.1 clients only (RFC 9113 8.2.2, RFC 8441 5). */
static bool is_upgrade_field(enum field_id id, bool upgraded)
{
    return id == FIELD_UPGRADE || (upgraded && id == FIELD_SEC_WEBSOCKET_ACCEPT);
}

nghttp2_nv *front_h2_head_nva(struct exchange *x, const struct response_head *h, bool keep,
                              size_t *n)
{
    uint8_t flags = keep ? NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE
                         : NGHTTP2_NV_FLAG_NONE;
    nghttp2_nv *nva = arena_alloc(&x->arena, (h->fields.n + 2) * sizeof *nva);
    bool upgraded = h->status == 101;
    struct span status = status_text(x, upgraded ? 200 : h->status); /* RFC 8441 5 */
    if (!nva || !status.p)
        return NULL;
    size_t k = 0;
    nva[k++] = h2_field_nv(SPAN_LIT(":status"), status, flags);
    for (size_t i = 0; i < h->fields.n; i++)
        if (!is_upgrade_field(h->fields.v[i].id, upgraded))
            nva[k++] = h2_field_nv(h->fields.v[i].name, h->fields.v[i].value, flags);
    if (h->body == BODY_LENGTH) {
        struct span length = arena_u64(&x->arena, h->content_length);
        if (!length.p)
            return NULL;
        nva[k++] = h2_field_nv(SPAN_LIT("content-length"), length, flags);
    }
    *n = k;
    return nva;
}

bool front_h2_submit_trailers(struct exchange *x)
{
    struct front *f = x->front;
    const struct fields *t = &x->response_trailers;
    nghttp2_nv *nva = arena_alloc(&x->arena, t->n * sizeof *nva);
    if (!nva)
        return false;
    for (size_t i = 0; i < t->n; i++)
        nva[i] = h2_field_nv(t->v[i].name, t->v[i].value, NGHTTP2_NV_FLAG_NONE);
    return nghttp2_submit_trailer(f->h2.session, x->h2.stream, nva, t->n) == 0;
}
