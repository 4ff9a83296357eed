#include "core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

#define BUF_FIRST_SIZE ((size_t)4096)

void buf_init(struct buf *b, size_t ceiling)
{
    *b = (struct buf){.ceiling = ceiling};
}

void buf_deinit(struct buf *b)
{
    mem_free(b->base);
    *b = (struct buf){.ceiling = b->ceiling};
}

/* The storage for NEED bytes: doubled until they fit, never beyond the ceiling. */
static size_t grown_size(const struct buf *b, size_t need)
{
    size_t size = b->size > BUF_FIRST_SIZE ? b->size : BUF_FIRST_SIZE;
    while (size < need && size < b->ceiling)
        size = size > b->ceiling / 2 ? b->ceiling : size * 2;
    return size < b->ceiling ? size : b->ceiling;
}

static enum err grow(struct buf *b, size_t need)
{
    size_t size = grown_size(b, need);
    size_t len = buf_len(b);
    if (size == SIZE_MAX)
        return ERR_MEMORY;
    /* One byte more than is ever readable: for the terminator that vsnprintf insists on. */
    char *base = (char *)mem_try_alloc(size + 1);
    if (!base)
        return ERR_MEMORY;
    if (len)
        memcpy(base, b->base + b->head, len);
    mem_free(b->base);
    b->base = base;
    b->head = 0;
    b->tail = len;
    b->size = size;
    return ERR_OK;
}

static void move_to_front(struct buf *b)
{
    size_t len = buf_len(b);
    memmove(b->base, b->base + b->head, len);
    b->head = 0;
    b->tail = len;
}

/* Room for MIN bytes behind the tail. */
static enum err make_room(struct buf *b, size_t min)
{
    if (min > buf_room(b))
        return ERR_FULL;
    if (b->base && b->size - b->tail >= min)
        return ERR_OK;

    size_t need = buf_len(b) + min;
    /* Moving pays when it copies no more than has been consumed since the last time; otherwise
     * growing is what keeps a long run of appends linear. A buffer at its ceiling has no choice. */
    bool far_in = b->head >= buf_len(b);
    if (b->base && b->size >= need && (far_in || b->size == b->ceiling)) {
        move_to_front(b);
        return ERR_OK;
    }
    /* Where only the move is missing, twice the size is asked for by needing one byte too many. */
    return grow(b, need > b->size ? need : b->size + 1);
}

enum err buf_append(struct buf *b, struct span s)
{
    if (s.len == 0)
        return ERR_OK;
    TRY(make_room(b, s.len));
    memcpy(b->base + b->tail, s.p, s.len);
    b->tail += s.len;
    return ERR_OK;
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    size_t len = (size_t)n;
    if (len == 0)
        return ERR_OK;

    TRY(make_room(b, len));
    va_start(ap, fmt);
    vsnprintf(b->base + b->tail, len + 1, fmt, ap);
    va_end(ap);
    b->tail += len;
    return ERR_OK;
}

char *buf_reserve(struct buf *b, size_t min, size_t *room)
{
    *room = 0;
    if (make_room(b, min) != ERR_OK)
        return NULL;
    *room = b->size - b->tail;
    return b->base + b->tail;
}

void buf_commit(struct buf *b, size_t len)
{
    CHECK(len <= b->size - b->tail);
    b->tail += len;
}

void buf_consume(struct buf *b, size_t len)
{
    CHECK(len <= buf_len(b));
    b->head += len;
    if (b->head == b->tail)
        buf_clear(b);
}

void buf_clear(struct buf *b)
{
    b->head = b->tail = 0;
}

void buf_release(struct buf *b)
{
    if (buf_len(b) == 0)
        buf_deinit(b);
}
