#include "sessions/session.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sessions/session_record.h"
#include "sessions/sha256.h"

/* A record with an override or two fits into the piece it begins in: there may be 100,000 of them.
 * What a body can make it hold beyond that is bounded. */
#define RECORD_ROOM ((size_t)768)
#define RECORD_MAX ((size_t)8 * 1024 * 1024)

struct session *session_new(void)
{
    size_t align = _Alignof(max_align_t);
    size_t head = (sizeof(struct session) + align - 1) & ~(align - 1);
    struct session *s = mem_zalloc(head + RECORD_ROOM);
    atomic_init(&s->refs, 1);
    arena_init(&s->arena, (char *)s + head, RECORD_ROOM, RECORD_MAX);
    s->name = s->owner = s->owner_token = "";
    s->version = 1;
    return s;
}

struct session *session_ref(struct session *s)
{
    CHECK(atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed) > 0);
    return s;
}

void session_unref(struct session *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_deinit(&s->arena);
    mem_free(s);
}

/* Names and ids are short, and the arena's ceiling is for what a body brings: it was not reached, or
 * there would be no record. */
static const char *keep(struct session *s, struct span text)
{
    CHECK(atomic_load_explicit(&s->refs, memory_order_relaxed) == 1);
    s->arena.ceiling = RECORD_MAX + 4096;
    const char *copy = arena_strz(&s->arena, text);
    CHECK(copy != NULL);
    return copy;
}

void session_set_name(struct session *s, struct span name)
{
    s->name = keep(s, name);
}

void session_set_owner_token(struct session *s, struct span id)
{
    s->owner_token = keep(s, id);
}

void session_content_hash(const struct session *s, uint8_t out[SESSION_HASH_LEN])
{
    json_t *content = session_content_json(s);
    char *text = json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS);
    CHECK(text != NULL);
    sha256(text, strlen(text), out);
    free(text);
    json_decref(content);
}
