#include "sessions/watch_book.h"

#include "core/hex_base64.h"
#include "core/random.h"

static size_t count_of(const struct watch_book *b, struct span token)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        n += span_eq(span_str(b->v[i].token), token);
    return n;
}

/* All zero is no trace-id; so many random bits are not. */
static void make_id(char out[WATCH_ID_MAX])
{
    uint8_t bits[(WATCH_ID_MAX - 1) / 2];
    random_bytes(bits, sizeof bits);
    hex_encode(bits, sizeof bits, out);
}

const struct watch_entry *watch_book_add(struct watch_book *b, struct span token,
                                         struct span session, int64_t now_ms)
{
    if (b->n == WATCHES_MAX || count_of(b, token) >= WATCHES_OF_TOKEN_MAX)
        return NULL;
    struct watch_entry *e = &b->v[b->n++];
    make_id(e->id);
    CHECK(span_copy_z(token, e->token, sizeof e->token) == ERR_OK);
    CHECK(span_copy_z(session, e->session, sizeof e->session) == ERR_OK);
    e->ends_ms = now_ms + WATCH_LIFE_MS;
    return e;
}

static ptrdiff_t index_of(const struct watch_book *b, struct span id)
{
    for (size_t i = 0; i < b->n; i++)
        if (span_eq(span_str(b->v[i].id), id))
            return (ptrdiff_t)i;
    return -1;
}

const struct watch_entry *watch_book_find(const struct watch_book *b, struct span id,
                                          struct span token)
{
    ptrdiff_t i = index_of(b, id);
    return i >= 0 && span_eq(span_str(b->v[i].token), token) ? &b->v[i] : NULL;
}

bool watch_book_remove(struct watch_book *b, struct span id)
{
    ptrdiff_t i = index_of(b, id);
    if (i < 0)
        return false;
    b->v[i] = b->v[--b->n];
    return true;
}

const struct watch_entry *watch_book_over(const struct watch_book *b, int64_t now_ms)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->v[i].ends_ms <= now_ms)
            return &b->v[i];
    return NULL;
}

int64_t watch_book_next_ms(const struct watch_book *b)
{
    int64_t first = -1;
    for (size_t i = 0; i < b->n; i++)
        if (first < 0 || b->v[i].ends_ms < first)
            first = b->v[i].ends_ms;
    return first;
}
