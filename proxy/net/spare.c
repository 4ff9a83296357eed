#include "proxy/net/spare.h"

#include "core/mem.h"

void spare_init(struct spare *s)
{
    s->n_small = 0;
    s->n_large = 0;
}

void spare_deinit(struct spare *s)
{
    while (s->n_small > 0)
        mem_free(s->small[--s->n_small]);
    while (s->n_large > 0)
        mem_free(s->large[--s->n_large]);
}

void spare_lend(struct spare *s, struct buf *b, bool large)
{
    if (b->base)
        return;
    CHECK(b->ceiling >= (large ? SPARE_LARGE : SPARE_SMALL));
    if (large)
        b->base = s->n_large > 0 ? s->large[--s->n_large] : mem_alloc(SPARE_LARGE);
    else
        b->base = s->n_small > 0 ? s->small[--s->n_small] : mem_alloc(SPARE_SMALL);
    b->size = large ? SPARE_LARGE : SPARE_SMALL;
    b->head = b->tail = 0;
}

void spare_return(struct spare *s, struct buf *b)
{
    if (!b->base || buf_len(b) > 0)
        return;
    if (b->size == SPARE_SMALL && s->n_small < SPARE_KEEP_SMALL)
        s->small[s->n_small++] = b->base;
    else if (b->size == SPARE_LARGE && s->n_large < SPARE_KEEP_LARGE)
        s->large[s->n_large++] = b->base;
    else
        mem_free(b->base);
    b->base = NULL;
    b->size = b->head = b->tail = 0;
}
