#include "proxy/front/front_h2_mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/mem.h"

#define PAGE ((size_t)4096)
/* The session and two header tables: 5,024 bytes with nghttp2 1.52. What does not fit goes to the heap. */
#define SMALL_MAX ((size_t)5 * 1024)
/* The map of streams as it is first: 256 places. */
#define MAP_SIZE PAGE
/* From this size on it is the frame buffer: 16 KiB and a frame's header. */
#define FRAME_MIN ((size_t)16 * 1024)
#define FRAME_MAX (5 * PAGE)
#define SLABS_A_BLOCK 64

/* Touched only while there are streams, or something is sent. */
struct front_h2_loose {
    _Alignas(4096) char map[MAP_SIZE];
    char frame[FRAME_MAX];
};

struct front_h2_slab {
    _Alignas(16) char small[SMALL_MAX];
};

struct area {
    struct front_h2_loose loose[SLABS_A_BLOCK];
    struct front_h2_slab slabs[SLABS_A_BLOCK];
};

struct front_h2_block {
    struct front_h2_block *next;
    struct area *area;
};

/* What a free slab holds. */
struct free_slab {
    struct front_h2_slab *next;
    struct front_h2_loose *loose;
};

/* --- slabs --------------------------------------------------------------------------------------- */

void front_h2_slabs_init(struct front_h2_slabs *s)
{
    *s = (struct front_h2_slabs){0};
    h2_cells_init(&s->cells);
}

void front_h2_slabs_deinit(struct front_h2_slabs *s)
{
    while (s->blocks) {
        struct front_h2_block *b = s->blocks;
        s->blocks = b->next;
        munmap(b->area, sizeof *b->area);
        mem_free(b);
    }
    s->free = NULL;
    h2_cells_deinit(&s->cells);
}

static void put_back(struct front_h2_slabs *s, struct front_h2_slab *slab,
                     struct front_h2_loose *loose)
{
    struct free_slab f = {.next = s->free, .loose = loose};
    memcpy(slab->small, &f, sizeof f);
    s->free = slab;
}

static void map_block(struct front_h2_slabs *s)
{
    size_t size = sizeof(struct area);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    /* Not in huge pages: the pages that are not touched are the point. */
    (void)madvise(p, size, MADV_NOHUGEPAGE);
    struct front_h2_block *b = NEW(struct front_h2_block);
    b->area = p;
    b->next = s->blocks;
    s->blocks = b;
    for (size_t i = SLABS_A_BLOCK; i-- > 0;)
        put_back(s, &b->area->slabs[i], &b->area->loose[i]);
}

static void take(struct front_h2_mem *m)
{
    struct front_h2_slabs *s = m->slabs;
    if (!s->free)
        map_block(s);
    struct free_slab f;
    m->slab = s->free;
    memcpy(&f, m->slab->small, sizeof f);
    s->free = f.next;
    m->loose = f.loose;
    memset(m->slab->small, 0, SMALL_MAX);
}

static bool all_zero(const char *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

void front_h2_mem_rest(struct front_h2_mem *m)
{
    /* What comes back is zero: whatever nghttp2 keeps in its map, a page that is all zero is not changed by
     * that. In the frame buffer stands what has been sent. */
    bool whole = !m->mapped || all_zero(m->loose->map, MAP_SIZE);
    if (whole)
        (void)madvise(m->loose, sizeof *m->loose, MADV_DONTNEED);
    else
        (void)madvise(m->loose->frame, sizeof m->loose->frame, MADV_DONTNEED);
}

/* --- nghttp2's allocator ------------------------------------------------------------------------- */

/* How many bytes of our storage lie from P on; 0: it is the heap's. */
static size_t ours(const struct front_h2_mem *m, const void *p)
{
    uintptr_t at = (uintptr_t)p, small = (uintptr_t)m->slab, loose = (uintptr_t)m->loose;
    if (at >= small && at < small + sizeof *m->slab)
        return small + sizeof *m->slab - at;
    if (at >= loose && at < loose + sizeof *m->loose)
        return loose + sizeof *m->loose - at;
    return 0;
}

static void *from_slab(struct front_h2_mem *m, size_t size)
{
    if (size >= FRAME_MIN && size <= FRAME_MAX && !m->framed) {
        m->framed = true;
        return m->loose->frame;
    }
    size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded < size || rounded > SMALL_MAX - m->used)
        return NULL;
    void *p = m->slab->small + m->used;
    m->used += rounded;
    return p;
}

/* Of another session's life there may be something in it. */
static void *zeroed_map(struct front_h2_mem *m)
{
    m->mapped = true;
    if (!all_zero(m->loose->map, MAP_SIZE))
        memset(m->loose->map, 0, MAP_SIZE);
    return m->loose->map;
}

static void *on_malloc(size_t size, void *user)
{
    struct front_h2_mem *m = user;
    void *p = m->making ? from_slab(m, size) : NULL;
    return p ? p : h2_cells_alloc(&m->slabs->cells, size);
}

/* The small part is handed out zeroed, and none of its bytes twice. */
static void *on_calloc(size_t n, size_t size, void *user)
{
    struct front_h2_mem *m = user;
    size_t whole;
    if (__builtin_mul_overflow(n, size, &whole))
        return NULL;
    if (m->making && whole == MAP_SIZE && !m->mapped)
        return zeroed_map(m);
    void *p = m->making && whole < FRAME_MIN ? from_slab(m, whole) : NULL;
    return p ? p : calloc(n, size);
}

static void on_free(void *p, void *user)
{
    struct front_h2_mem *m = user;
    if (p && ours(m, p) == 0)
        h2_cells_free(&m->slabs->cells, p);
}

static void *on_realloc(void *p, size_t size, void *user)
{
    struct front_h2_mem *m = user;
    if (!p)
        return on_malloc(size, m);
    size_t there = ours(m, p);
    if (there == 0)
        return realloc(p, size);
    /* How much it was is not kept; what lies behind it in the slab may be copied along unharmed. */
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
        .making = true,
    };
    take(m);
}

void front_h2_mem_made(struct front_h2_mem *m)
{
    m->making = false;
}

void front_h2_mem_deinit(struct front_h2_mem *m)
{
    put_back(m->slabs, m->slab, m->loose);
    m->slab = NULL;
}
