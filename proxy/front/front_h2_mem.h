/* Memory for HTTP/2 sessions, so that an idle one holds little.
 *
 * What nghttp2 allocates when a session is made is parted in two. What a session always needs (itself, its
 * header tables) stands packed, session behind session. What is only touched while streams live (the map of
 * streams, the frame buffer) has whole pages of its own, and front_h2_mem_rest gives these back to the
 * kernel. All later allocations (streams, frames) are the heap's, the small ones by way of cells. Slabs are
 * mapped many at a time and used again. One worker's thread only. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

#include "proxy/h2/h2_cells.h"

struct front_h2_slab;
struct front_h2_block;
struct front_h2_loose;

/* A worker's slabs. */
struct front_h2_slabs {
    struct front_h2_slab *free;
    struct front_h2_block *blocks;
    struct h2_cells cells;
};

void front_h2_slabs_init(struct front_h2_slabs *s);
/* All sessions have gone. */
void front_h2_slabs_deinit(struct front_h2_slabs *s);

/* One session's. */
struct front_h2_mem {
    nghttp2_mem mem;
    struct front_h2_slabs *slabs;
    struct front_h2_slab *slab;
    struct front_h2_loose *loose;
    size_t used; /* of the small part */
    bool making; /* the session is being made: allocations go to the slab */
    bool mapped; /* the place of the map of streams is taken */
    bool framed; /* the frame buffer's place is taken */
};

/* Before nghttp2_session_server_new3 with &m->mem; front_h2_mem_made after it. */
void front_h2_mem_init(struct front_h2_mem *m, struct front_h2_slabs *slabs);
void front_h2_mem_made(struct front_h2_mem *m);
/* The session has no stream and nothing to send: the pages that it does not need now are dropped. They come
 * back, empty, when they are touched. */
void front_h2_mem_rest(struct front_h2_mem *m);
/* After nghttp2_session_del. */
void front_h2_mem_deinit(struct front_h2_mem *m);
