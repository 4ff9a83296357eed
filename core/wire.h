/* Cursors over bytes with a sticky error: do ten reads or writes, check once.
 *
 * wire_reader reads network byte order from borrowed bytes; wire_writer writes into borrowed room.
 * After a failure every further read gives zero and every further write does nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/span.h"

struct wire_reader {
    const uint8_t *base;
    size_t len, pos;
    bool failed;
};

struct wire_writer {
    uint8_t *base;
    size_t cap, pos;
    bool failed; /* a write did not fit; nothing of it was written */
};

static inline struct wire_reader wire_reader_of(const void *p, size_t len)
{
    return (struct wire_reader){(const uint8_t *)p, len, 0, false};
}
static inline struct wire_writer wire_writer_of(void *p, size_t cap)
{
    return (struct wire_writer){(uint8_t *)p, cap, 0, false};
}

static inline const uint8_t *wire_get_bytes(struct wire_reader *r, size_t n)
{
    if (r->failed || r->len - r->pos < n) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->base + r->pos;
    r->pos += n;
    return p;
}
static inline uint8_t wire_get_u8(struct wire_reader *r)
{
    const uint8_t *p = wire_get_bytes(r, 1);
    return p ? p[0] : 0;
}
static inline uint16_t wire_get_u16(struct wire_reader *r)
{
    const uint8_t *p = wire_get_bytes(r, 2);
    return p ? (uint16_t)((p[0] << 8) | p[1]) : 0;
}
static inline uint32_t wire_get_u32(struct wire_reader *r)
{
    const uint8_t *p = wire_get_bytes(r, 4);
    return p ? ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]) : 0;
}
static inline size_t wire_left(const struct wire_reader *r)
{
    return r->failed ? 0 : r->len - r->pos;
}

static inline uint8_t *wire_room(struct wire_writer *w, size_t n)
{
    if (w->failed || w->cap - w->pos < n) {
        w->failed = true;
        return NULL;
    }
    uint8_t *p = w->base + w->pos;
    w->pos += n;
    return p;
}
static inline void wire_put_u8(struct wire_writer *w, uint8_t v)
{
    uint8_t *p = wire_room(w, 1);
    if (p)
        p[0] = v;
}
static inline void wire_put_u16(struct wire_writer *w, uint16_t v)
{
    uint8_t *p = wire_room(w, 2);
    if (p) {
        p[0] = (uint8_t)(v >> 8);
        p[1] = (uint8_t)v;
    }
}
static inline void wire_put_u32(struct wire_writer *w, uint32_t v)
{
    uint8_t *p = wire_room(w, 4);
    if (p) {
        p[0] = (uint8_t)(v >> 24);
        p[1] = (uint8_t)(v >> 16);
        p[2] = (uint8_t)(v >> 8);
        p[3] = (uint8_t)v;
    }
}
static inline void wire_put_bytes(struct wire_writer *w, const void *src, size_t n)
{
    uint8_t *p = wire_room(w, n);
    if (p && n)
        memcpy(p, src, n);
}
