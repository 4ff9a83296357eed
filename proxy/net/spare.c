#include "proxy/net/spare.h"

#include "core/mem.h"

static const struct spare_rule {
    size_t size, keep;
} rules[SPARE_KINDS] = {
    [SPARE_OF_SMALL] = {SPARE_SMALL, 256},
    [SPARE_OF_LARGE] = {SPARE_LARGE, 48},
    [SPARE_OF_BULK] = {SPARE_BULK, 12},
};

void spare_init(struct spare *s)
{
    for (int i = 0; i < SPARE_KINDS; i++) {
        CHECK(rules[i].keep <= SPARE_KEEP);
        s->shelves[i].n = 0;
    }
    s->bulk_lent = 0;
}

void spare_deinit(struct spare *s)
{
    for (int i = 0; i < SPARE_KINDS; i++)
        while (s->shelves[i].n > 0)
            mem_free(s->shelves[i].kept[--s->shelves[i].n]);
}

enum spare_kind spare_lend(struct spare *s, struct buf *b, enum spare_kind kind)
{
    CHECK(!b->base);
    if (kind == SPARE_OF_BULK && !spare_has_bulk(s))
        kind = SPARE_OF_LARGE;
    size_t size = rules[kind].size;
    struct spare_shelf *shelf = &s->shelves[kind];
    CHECK(b->ceiling >= size);
    b->base = shelf->n > 0 ? shelf->kept[--shelf->n] : mem_alloc(size);
    b->size = size;
    b->head = b->tail = 0;
    if (kind == SPARE_OF_BULK)
        s->bulk_lent++;
    return kind;
}

void spare_return(struct spare *s, struct buf *b, enum spare_kind kind)
{
    if (!b->base || buf_len(b) > 0)
        return;
    struct spare_shelf *shelf = &s->shelves[kind];
    if (kind == SPARE_OF_BULK)
        s->bulk_lent--;
    if (b->size == rules[kind].size && shelf->n < rules[kind].keep)
        shelf->kept[shelf->n++] = b->base;
    else
        mem_free(b->base); /* enough are kept, or it has grown */
    b->base = NULL;
    b->size = b->head = b->tail = 0;
}
