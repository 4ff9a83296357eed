#include "proxy/front/front_h2_mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/mem.h"

#define PAGE 4096
/* The session, its map of streams and two header tables: 9,120 bytes with nghttp2 1.52. What does not
 * fit goes to the heap. */
#define SMALL_MAX ((size_t)9 * 1024)
/* From this size on it is the frame buffer: 16 KiB and a frame's header. */
#define FRAME_MIN ((size_t)16 * 1024)
#define FRAME_MAX ((size_t)16 * 1024 + 512)
#define SLABS_A_BLOCK 64

struct front_h2_slab {
    _Alignas(PAGE) char small[SMALL_MAX];
    char frame[FRAME_MAX];
};

struct front_h2_block {
    struct front_h2_block *next;
    struct front_h2_slab *slabs;
};

/* --- slabs --------------------------------------------------------------------------------------- */

void front_h2_slabs_init(struct front_h2_slabs *s)
{
    *s = (struct front_h2_slabs){0};
}

void front_h2_slabs_deinit(struct front_h2_slabs *s)
{
    while (s->blocks) {
        struct front_h2_block *b = s->blocks;
        s->blocks = b->next;
        munmap(b->slabs, SLABS_A_BLOCK * sizeof *b->slabs);
        mem_free(b);
    }
    s->free = NULL;
}

/* A free slab holds the pointer to the next one. */
static void put_back(struct front_h2_slabs *s, struct front_h2_slab *slab)
{
    memcpy(slab->small, &s->free, sizeof(struct front_h2_slab *));
    s->free = slab;
}

static void map_block(struct front_h2_slabs *s)
{
    size_t size = SLABS_A_BLOCK * sizeof(struct front_h2_slab);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    /* Not in huge pages: the pages that are not touched are the point. */
    (void)madvise(p, size, MADV_NOHUGEPAGE);
    struct front_h2_block *b = NEW(struct front_h2_block);
    b->slabs = p;
    b->next = s->blocks;
    s->blocks = b;
    for (size_t i = SLABS_A_BLOCK; i-- > 0;)
        put_back(s, &b->slabs[i]);
}

static struct front_h2_slab *take(struct front_h2_slabs *s)
{
    if (!s->free)
        map_block(s);
    struct front_h2_slab *slab = s->free;
    memcpy(&s->free, slab->small, sizeof(struct front_h2_slab *));
    memset(slab->small, 0, SMALL_MAX);
    return slab;
}

/* --- nghttp2's allocator ------------------------------------------------------------------------- */

static bool is_ours(const struct front_h2_mem *m, const void *p)
{
    uintptr_t at = (uintptr_t)p, begin = (uintptr_t)m->slab;
    return at >= begin && at < begin + sizeof *m->slab;
}

static void *from_slab(struct front_h2_mem *m, size_t size)
{
    if (size >= FRAME_MIN && size <= FRAME_MAX && !m->framed) {
        m->framed = true;
        return m->slab->frame;
    }
    size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded < size || rounded > SMALL_MAX - m->used)
        return NULL;
    void *p = m->slab->small + m->used;
    m->used += rounded;
    return p;
}

static void *on_malloc(size_t size, void *user)
{
    struct front_h2_mem *m = user;
    void *p = m->making ? from_slab(m, size) : NULL;
    return p ? p : malloc(size);
}

/* The small part is handed out zeroed, and none of its bytes twice. */
static void *on_calloc(size_t n, size_t size, void *user)
{
    struct front_h2_mem *m = user;
    size_t whole;
    if (__builtin_mul_overflow(n, size, &whole))
        return NULL;
    void *p = m->making && whole < FRAME_MIN ? from_slab(m, whole) : NULL;
    return p ? p : calloc(n, size);
}

static void on_free(void *p, void *user)
{
    struct front_h2_mem *m = user;
    if (!is_ours(m, p))
        free(p);
}

static void *on_realloc(void *p, size_t size, void *user)
{
    struct front_h2_mem *m = user;
    if (!p)
        return on_malloc(size, m);
    if (!is_ours(m, p))
        return realloc(p, size);
    /* How much it was is not kept; what lies behind it in the slab may be copied along unharmed. */
    size_t there = (size_t)((char *)(m->slab + 1) - (char *)p);
    void *moved = malloc(size);
    if (moved)
        memcpy(moved, p, size < there ? size : there);
    return moved;
}

void front_h2_mem_init(struct front_h2_mem *m, struct front_h2_slabs *slabs)
{
    *m = (struct front_h2_mem){
        .mem =
            {
                .mem_user_data = m,
                .malloc = on_malloc,
                .free = on_free,
                .calloc = on_calloc,
                .realloc = on_realloc,
            },
        .slabs = slabs,
        .slab = take(slabs),
        .making = true,
    };
}

void front_h2_mem_made(struct front_h2_mem *m)
{
    m->making = false;
}

void front_h2_mem_deinit(struct front_h2_mem *m)
{
    put_back(m->slabs, m->slab);
    m->slab = NULL;
}
