/* Memory for HTTP/2 sessions, so that an idle one holds few pages.
 *
 * What nghttp2 allocates when a session is made stands together in one slab of whole pages, its large
 * frame buffer last: of that only the beginning is touched, which shares a page with the rest; the
 * others are never backed by memory unless large frames are written. All later allocations
 * (streams, frames) are the heap's. Slabs are mapped many at a time and used again. One worker's
 * thread only. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

struct front_h2_slab;
struct front_h2_block;

/* A worker's slabs. */
struct front_h2_slabs {
    struct front_h2_slab *free;
    struct front_h2_block *blocks;
};

void front_h2_slabs_init(struct front_h2_slabs *s);
/* All sessions have gone. */
void front_h2_slabs_deinit(struct front_h2_slabs *s);

/* One session's. */
struct front_h2_mem {
    nghttp2_mem mem;
    struct front_h2_slabs *slabs;
    struct front_h2_slab *slab;
    size_t used; /* of the small part */
    bool making; /* the session is being made: allocations go to the slab */
    bool framed; /* the frame buffer's place is taken */
};

/* Before nghttp2_session_server_new3 with &m->mem; front_h2_mem_made after it. */
void front_h2_mem_init(struct front_h2_mem *m, struct front_h2_slabs *slabs);
void front_h2_mem_made(struct front_h2_mem *m);
/* After nghttp2_session_del. */
void front_h2_mem_deinit(struct front_h2_mem *m);
