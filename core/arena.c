#include "core/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

/* What one heap block takes, header included, unless the ceiling leaves less. */
#define ARENA_BLOCK_SIZE ((size_t)4096)
/* A piece above this gets a block of its own, so that the room left in the current one stays. */
#define ARENA_OWN_BLOCK (ARENA_BLOCK_SIZE / 4)
#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    _Alignas(max_align_t) char room[];
};

void arena_init(struct arena *a, void *first, size_t first_size, size_t ceiling)
{
    *a = (struct arena){.ceiling = ceiling, .first = (char *)first};
    a->first_size = first ? first_size : 0;
    arena_reset(a);
}

void arena_reset(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *b = a->blocks;
        a->blocks = b->next;
        mem_free(b);
    }
    a->held = 0;
    a->next = a->first;
    a->end = a->first ? a->first + a->first_size : NULL;
}

void arena_deinit(struct arena *a)
{
    arena_reset(a);
    a->next = a->end = a->first = NULL;
    a->first_size = 0;
}

/* A linked heap block of SIZE bytes in all, or NULL. */
static struct arena_block *block_add(struct arena *a, size_t size)
{
    if (size > a->ceiling - a->held)
        return NULL;
    struct arena_block *b = (struct arena_block *)mem_try_alloc(size);
    if (!b)
        return NULL;
    b->next = a->blocks;
    a->blocks = b;
    a->held += size;
    return b;
}

/* SIZE bytes that do not fit into the current block. */
static void *alloc_from_heap(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_block))
        return NULL;

    size_t need = sizeof(struct arena_block) + size;
    if (size > ARENA_OWN_BLOCK) {
        struct arena_block *own = block_add(a, need);
        return own ? own->room : NULL;
    }

    size_t allowed = a->ceiling - a->held;
    size_t block_size = allowed < ARENA_BLOCK_SIZE ? allowed : ARENA_BLOCK_SIZE;
    struct arena_block *b = need <= block_size ? block_add(a, block_size) : NULL;
    if (!b)
        return NULL;
    a->next = b->room + size;
    a->end = (char *)b + block_size;
    return b->room;
}

static size_t room_left(const struct arena *a)
{
    return a->next ? (size_t)(a->end - a->next) : 0;
}

static char *alloc_bytes(struct arena *a, size_t size, size_t align)
{
    size_t pad = (size_t)(-(uintptr_t)a->next & (align - 1));
    size_t left = room_left(a);
    if (!a->next || left < pad || left - pad < size)
        return (char *)alloc_from_heap(a, size);

    char *p = a->next + pad;
    a->next = p + size;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return alloc_bytes(a, size, ARENA_ALIGN);
}

void *arena_must_alloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    CHECK(p != NULL);
    return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
    /* Every empty text may be the same one: it costs nothing, even in a full arena. */
    if (s.len == 0)
        return SPAN_LIT("");

    char *p = alloc_bytes(a, s.len, 1);
    if (!p)
        return (struct span){NULL, 0};
    memcpy(p, s.p, s.len);
    return span_of(p, s.len);
}

struct span arena_copy_lower(struct arena *a, struct span s)
{
    if (s.len == 0)
        return SPAN_LIT("");

    char *p = alloc_bytes(a, s.len, 1);
    if (!p)
        return (struct span){NULL, 0};
    for (size_t i = 0; i < s.len; i++)
        p[i] = ascii_lower(s.p[i]);
    return span_of(p, s.len);
}

char *arena_strz(struct arena *a, struct span s)
{
    if (s.len == SIZE_MAX)
        return NULL;
    char *p = alloc_bytes(a, s.len + 1, 1);
    if (!p)
        return NULL;
    if (s.len)
        memcpy(p, s.p, s.len);
    p[s.len] = '\0';
    return p;
}

struct span arena_printf(struct arena *a, const char *fmt, ...)
{
    /* Straight into the room that is left; most texts fit. */
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(a->next, room_left(a), fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    size_t len = (size_t)n;
    bool fits = len < room_left(a);

    char *p = alloc_bytes(a, len + 1, 1);
    if (!p)
        return (struct span){NULL, 0};
    if (!fits) {
        va_start(ap, fmt);
        vsnprintf(p, len + 1, fmt, ap);
        va_end(ap);
    }
    return span_of(p, len);
}

struct span arena_u64(struct arena *a, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    return arena_copy(a, span_of(digits + at, sizeof digits - at));
}

struct span arena_join(struct arena *a, const struct span *parts, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        if (__builtin_add_overflow(len, parts[i].len, &len))
            return (struct span){NULL, 0};
    if (len == 0)
        return SPAN_LIT("");

    char *p = alloc_bytes(a, len, 1);
    if (!p)
        return (struct span){NULL, 0};
    char *at = p;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].p, parts[i].len);
        at += parts[i].len;
    }
    return span_of(p, len);
}
