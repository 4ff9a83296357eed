#include "proxy/back/retry.h"

#define ATTEMPTS_MAX 2

/* Nothing of the request can have taken effect, or doing it twice does no harm, and the body can be sent
 * again because none of it was. */
bool retry_is_safe(const struct exchange *x, const struct retry_facts *f)
{
    if (x->done || x->head_sent || f->answered || x->request_bytes > 0)
        return false;
    if (x->story.attempts >= ATTEMPTS_MAX + x->story.fallback)
        return false;
    if (f->untouched)
        return true;
    return f->why != PAGE_BACK_SILENT && f->reused && method_is_idempotent(x->request.method);
}
