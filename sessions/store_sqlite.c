#include <errno.h>
#include <stdio.h>

#include "core/job.h"
#include "core/log.h"
#include "core/mem.h"
#include "sessions/store_db.h"

/* One transaction a batch: what waits is written together and synced once. A batch stands or falls as
 * a whole, because when its COMMIT fails nobody can say which part would have been kept. */

#define BATCH_MAX 512

struct store_sqlite {
    struct store base;
    struct store_db db;
    struct mailbox *control;
    struct job_runner *runner;
    /* The store's thread: */
    struct store_change *batch; /* those of this transaction, newest first */
    enum err batch_err;
};

struct store_change {
    struct job job;
    struct store_change *next; /* in the batch */
    store_done *done;
    void *done_ctx;
    enum store_kind kind;
    enum err err;
    bool remove, no_memory;
    size_t key_len, json_len;
    char *text; /* key, then json */
};

static struct store_sqlite *of(struct store *s)
{
    return CONTAINER_OF(s, struct store_sqlite, base);
}

/* The store's thread */

static void note_failure(struct store_sqlite *s, const char *step)
{
    enum err e = store_db_err(s->db.conn);
    int system = store_db_errno(s->db.conn);
    LOG(LOG_ERROR, "store_failed", LOG_S("path", s->db.path), LOG_S("step", step),
        LOG_S("sqlite", sqlite3_errmsg(s->db.conn)),
        LOG_S("system", system ? log_errno_text(system) : ""));
    if (s->batch_err == ERR_OK)
        s->batch_err = e == ERR_OK ? ERR_IO : e;
}

/* Resetting tells the failure again, but may touch errno. */
static bool run_statement(sqlite3_stmt *stmt)
{
    errno = 0;
    bool ok = sqlite3_step(stmt) == SQLITE_DONE;
    int system = errno;
    ok = sqlite3_reset(stmt) == SQLITE_OK && ok;
    errno = system;
    return ok;
}

static void on_batch_begin(void *ctx)
{
    struct store_sqlite *s = (struct store_sqlite *)ctx;
    s->batch = NULL;
    s->batch_err = ERR_OK;
    if (!run_statement(s->db.begin))
        note_failure(s, "begin");
}

static bool write_change(struct store_sqlite *s, const struct store_change *c)
{
    sqlite3_stmt *stmt = c->remove ? s->db.remove[c->kind] : s->db.put[c->kind];
    bool bound = sqlite3_bind_text(stmt, 1, c->text, (int)c->key_len, SQLITE_STATIC) == SQLITE_OK;
    if (bound && !c->remove)
        bound = sqlite3_bind_text(stmt, 2, c->text + c->key_len, (int)c->json_len, SQLITE_STATIC) ==
                SQLITE_OK;
    bool ok = bound && run_statement(stmt);
    if (!ok)
        note_failure(s, c->remove ? "remove" : "put");
    sqlite3_clear_bindings(stmt);
    return ok;
}

static void on_work(struct job *j, void *ctx)
{
    struct store_sqlite *s = (struct store_sqlite *)ctx;
    struct store_change *c = CONTAINER_OF(j, struct store_change, job);
    c->next = s->batch;
    s->batch = c;
    if (c->no_memory)
        c->err = ERR_MEMORY;
    else if (s->batch_err == ERR_OK)
        (void)write_change(s, c);
}

static void on_batch_end(void *ctx)
{
    struct store_sqlite *s = (struct store_sqlite *)ctx;
    if (s->batch_err == ERR_OK && !run_statement(s->db.commit))
        note_failure(s, "commit");
    /* SQLite itself has rolled back after some failures, and not after others. */
    if (s->batch_err != ERR_OK && !sqlite3_get_autocommit(s->db.conn))
        (void)run_statement(s->db.rollback);
    for (struct store_change *c = s->batch; c; c = c->next)
        if (c->err == ERR_OK)
            c->err = s->batch_err;
}

/* The control thread */

static void on_done(struct job *j, void *mailbox_ctx)
{
    (void)mailbox_ctx;
    struct store_change *c = CONTAINER_OF(j, struct store_change, job);
    if (c->done)
        c->done(c->done_ctx, c->err);
    mem_free(c->text);
    mem_free(c);
}

static void submit(struct store_sqlite *s, struct store_change *c, struct span key,
                   struct span json)
{
    c->job.work = on_work;
    c->job.done = on_done;
    c->key_len = key.len;
    c->json_len = json.len;
    c->text = (char *)mem_try_alloc(key.len + json.len + 1);
    c->no_memory = !c->text;
    if (c->text) {
        memcpy(c->text, key.p, key.len);
        if (json.len)
            memcpy(c->text + key.len, json.p, json.len);
    }
    job_submit(s->runner, &c->job, s->control);
}

static void sqlite_put(struct store *base, enum store_kind kind, struct span key, struct span json,
                       store_done *done, void *ctx)
{
    struct store_change *c = NEW(struct store_change);
    c->kind = kind;
    c->done = done;
    c->done_ctx = ctx;
    submit(of(base), c, key, json);
}

static void sqlite_remove(struct store *base, enum store_kind kind, struct span key,
                          store_done *done, void *ctx)
{
    struct store_change *c = NEW(struct store_change);
    c->kind = kind;
    c->remove = true;
    c->done = done;
    c->done_ctx = ctx;
    submit(of(base), c, key, (struct span){0});
}

static struct span column(sqlite3_stmt *stmt, int i)
{
    const void *p = sqlite3_column_text(stmt, i);
    return span_of(p ? p : "", (size_t)sqlite3_column_bytes(stmt, i));
}

static enum err sqlite_load(struct store *base, enum store_kind kind,
                            enum err (*each)(void *ctx, struct span key, struct span json),
                            void *ctx)
{
    struct store_sqlite *s = of(base);
    char sql[64];
    sqlite3_stmt *stmt = NULL;
    snprintf(sql, sizeof sql, "SELECT key, json FROM %s", store_db_table(kind));
    if (sqlite3_prepare_v2(s->db.conn, sql, -1, &stmt, NULL) != SQLITE_OK)
        return store_db_err(s->db.conn);

    enum err e = ERR_OK;
    int rc = SQLITE_ROW;
    while (e == ERR_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        e = each(ctx, column(stmt, 0), column(stmt, 1));
    if (e == ERR_OK && rc != SQLITE_DONE)
        e = store_db_err(s->db.conn);
    sqlite3_finalize(stmt);
    return e;
}

/* One edge alone writes the file, so there is nobody to hear from. */
static void sqlite_watch(struct store *base,
                         void (*changed)(void *ctx, enum store_kind kind, struct span key,
                                         struct span json),
                         void *ctx)
{
    (void)base;
    (void)changed;
    (void)ctx;
}

static void sqlite_free(struct store *base)
{
    struct store_sqlite *s = of(base);
    job_runner_free(s->runner);
    store_db_close(&s->db);
    mem_free(s);
}

static const struct store_ops sqlite_ops = {
    .load = sqlite_load,
    .put = sqlite_put,
    .remove = sqlite_remove,
    .watch = sqlite_watch,
    .free = sqlite_free,
};

enum err store_sqlite_open(const char *path, struct mailbox *control, struct store **out,
                           char **why)
{
    static const struct job_runner_ops runner_ops = {
        .batch_begin = on_batch_begin,
        .batch_end = on_batch_end,
        .batch_max = BATCH_MAX,
    };
    struct store_sqlite *s = NEW(struct store_sqlite);
    enum err e = store_db_open(&s->db, path, why);
    if (e != ERR_OK) {
        mem_free(s);
        return e;
    }
    s->base.ops = &sqlite_ops;
    s->control = control;
    s->runner = job_runner_new("store", &runner_ops, s);
    *out = &s->base;
    return ERR_OK;
}
