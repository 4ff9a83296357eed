#include "proxy/back/back_head.h"

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

enum err back_head_pass(struct exchange *x, struct span via)
{
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
