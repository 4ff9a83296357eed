#include "proxy/back/back_head.h"

#include "proxy/back/adopted.h"
#include "proxy/page/own_answer.h"

/* A CORS preflight of the same session that the backend has no answer to. */
static bool is_unanswered_preflight(const struct exchange *x)
{
    char storage[256];
    struct span origin;
    return x->edge->image->config->cors == CORS_SAME_SESSION && forward_is_preflight(&x->request) &&
           !fields_find(&x->response.fields, FIELD_ACCESS_CONTROL_ALLOW_ORIGIN) &&
           x->context.origin_host.len > 0 &&
           host_normalise(x->context.origin_host, storage, &origin) == ERR_OK &&
           route_same_session(x->proxy->table, &x->route, origin);
}

/* At the other end of a tunnel or a relay nobody could be asked. */
static bool is_refusal(const struct exchange *x)
{
    return x->adopted && fields_find(&x->response.fields, FIELD_LINKUP_TUNNEL_ERROR) != NULL;
}

static void refuse(struct exchange *x)
{
    struct adopted *a = x->adopted;
    enum page_reason why = page_of_slug(
        fields_find(&x->response.fields, FIELD_LINKUP_TUNNEL_ERROR)->value, PAGE_BACK_BROKE);
    exchange_drop_back(x);
    x->adopted = NULL;
    if (x->request_bytes == 0 && a->ops->refused(a, x, why))
        return;
    own_answer_page(x, why == PAGE_UNKNOWN_SERVICE ? PAGE_TUNNEL_SERVICE : why, NULL);
}

/* A relay changes nothing: that is done at both ends of the way. */
static enum err pass_inner(struct exchange *x)
{
    if (x->kind == LISTEN_TUNNEL) {
        struct forward_facts facts = exchange_facts(x, span_of(NULL, 0));
        TRY(forward_local_response(&x->response, &facts, &x->arena));
    }
    exchange_head(x);
    return ERR_OK;
}

enum err back_head_pass(struct exchange *x, struct span via)
{
    if (listen_is_inner(x->kind))
        return pass_inner(x);
    if (is_refusal(x)) {
        refuse(x);
        return ERR_OK;
    }
    if (is_unanswered_preflight(x)) {
        own_answer_preflight(x); /* lets go of the back */
        return ERR_OK;
    }
    struct forward_facts facts = exchange_facts(x, via);
    TRY(forward_response(&x->response, &x->request, &facts, x->proxy->table, x->explain,
                         &x->arena));
    exchange_head(x);
    return ERR_OK;
}
