/* A store in a folder of its own, with a loop that runs until all is answered. */
#pragma once

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sessions/store.h"
#include "support/test.h"

struct store_bed {
    char dir[PATH_MAX], path[PATH_MAX + 16];
    struct ev_loop *loop;
    struct mailbox mailbox;
    struct store *store;
    unsigned asked, answered, failed;
    enum err last;
};

static inline void bed_open_store(struct store_bed *b)
{
    char *why = NULL;
    enum err e = store_sqlite_open(b->path, &b->mailbox, &b->store, &why);
    if (e != ERR_OK)
        print_error("%s\n", why);
    assert_ok(e);
}

static inline void bed_init(struct store_bed *b)
{
    memset(b, 0, sizeof *b);
    test_tmpdir_make(b->dir, sizeof b->dir);
    snprintf(b->path, sizeof b->path, "%s/linkup.db", b->dir);
    b->loop = ev_loop_new(0);
    mailbox_init(&b->mailbox, b->loop, b);
}

static inline void bed_on_done(void *ctx, enum err e)
{
    struct store_bed *b = ctx;
    b->answered++;
    b->failed += e != ERR_OK;
    b->last = e;
}

/* One turn of the loop that waits for something to happen. */
static inline void bed_turn(struct store_bed *b)
{
    ev_ref(b->loop); /* a mailbox alone does not keep it */
    ev_run(b->loop, EVRUN_ONCE);
    ev_unref(b->loop);
}

static inline void bed_settle(struct store_bed *b)
{
    while (b->answered < b->asked)
        bed_turn(b);
}

static inline void bed_ask_put(struct store_bed *b, enum store_kind kind, const char *key,
                               const char *json)
{
    b->asked++;
    b->store->ops->put(b->store, kind, span_str(key), span_str(json), bed_on_done, b);
}

static inline void bed_ask_remove(struct store_bed *b, enum store_kind kind, const char *key)
{
    b->asked++;
    b->store->ops->remove(b->store, kind, span_str(key), bed_on_done, b);
}

static inline void bed_close_store(struct store_bed *b)
{
    if (b->store)
        b->store->ops->free(b->store);
    b->store = NULL;
}

static inline void bed_deinit(struct store_bed *b)
{
    bed_close_store(b);
    mailbox_deinit(&b->mailbox);
    ev_loop_destroy(b->loop);
    test_tmpdir_remove(b->dir);
}

struct bed_found {
    const char *key;
    unsigned count;
    char json[4096];
};

static inline enum err bed_on_record(void *ctx, struct span key, struct span json)
{
    struct bed_found *f = ctx;
    f->count++;
    if (f->key && span_eq(key, span_str(f->key)))
        assert_ok(span_copy_z(json, f->json, sizeof f->json));
    return ERR_OK;
}

static inline unsigned bed_count(struct store_bed *b, enum store_kind kind)
{
    struct bed_found f = {0};
    assert_ok(b->store->ops->load(b->store, kind, bed_on_record, &f));
    return f.count;
}

/* The record as it is stored, "" when there is none. */
static inline void bed_assert_record(struct store_bed *b, enum store_kind kind, const char *key,
                                     const char *want)
{
    struct bed_found f = {.key = key};
    assert_ok(b->store->ops->load(b->store, kind, bed_on_record, &f));
    assert_string_equal(f.json, want);
}
