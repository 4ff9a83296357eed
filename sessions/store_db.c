#include "sessions/store_db.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"

#define BUSY_WAIT_MS 1000

static const char *const tables[STORE_KINDS] = {
    [STORE_SESSION] = "sessions",
    [STORE_TOKEN] = "tokens",
    [STORE_USE] = "uses",
};

const char *store_db_table(enum store_kind kind)
{
    return tables[kind];
}

/* SQLite tells the system's reason for failed opens, not for failed writes; these leave errno. */
int store_db_errno(sqlite3 *conn)
{
    int e = errno;
    int system = sqlite3_system_errno(conn);
    return system ? system : e;
}

enum err store_db_err(sqlite3 *conn)
{
    int system = store_db_errno(conn);
    switch (sqlite3_errcode(conn) & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_CONFLICT;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_TOOBIG:
        return ERR_RANGE;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        if (system == ENOSPC || system == EDQUOT || system == EFBIG)
            return ERR_FULL;
        if (system == EACCES || system == EPERM || system == EROFS)
            return ERR_DENIED;
        return ERR_IO;
    default:
        return ERR_IO;
    }
}

/* What to do about E, for people who run the edge. */
static const char *advice(enum err e)
{
    switch (e) {
    case ERR_FULL:
        return "There is no room on the disk: free some, then start again; nothing was lost";
    case ERR_DENIED:
        return "The file and its folder must be writable for the user that the edge runs as: "
               "check owner, mode and whether the disk is mounted read-only";
    case ERR_CONFLICT:
        return "Another process holds it: is another linkupd running with the same `state`? "
               "Stop that one, or give this one a state folder of its own";
    case ERR_CORRUPT:
        return "It was left as it is. Restore it from a backup; or save what can be read with "
               "`sqlite3 FILE .recover`; or move it (and FILE-wal) away to start with no sessions "
               "and a new admin token";
    default:
        return "Check the disk and the state folder, then start again";
    }
}

static enum err refuse(enum err e, const char *path, const char *what, char **why)
{
    *why = mem_printf("%s: %s. %s.", path, what, advice(e));
    return e;
}

static enum err refuse_sqlite(sqlite3 *conn, const char *path, char **why)
{
    enum err e = store_db_err(conn);
    int system = store_db_errno(conn);
    char what[512];
    if (e == ERR_CORRUPT)
        snprintf(what, sizeof what, "the database is damaged or none at all (%s)",
                 sqlite3_errmsg(conn));
    else
        snprintf(what, sizeof what, "cannot be used: %s%s%s", sqlite3_errmsg(conn),
                 system ? ": " : "", system ? log_errno_text(system) : "");
    return refuse(e, path, what, why);
}

/* The integer or text that a pragma answers; false when it fails. */
static bool pragma_int(sqlite3 *conn, const char *sql, int *out)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(conn, sql, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    if (ok)
        *out = sqlite3_column_int(stmt, 0);
    return sqlite3_finalize(stmt) == SQLITE_OK && ok;
}

static bool pragma_text(sqlite3 *conn, const char *sql, char *out, size_t cap)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(conn, sql, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    if (ok)
        snprintf(out, cap, "%s", (const char *)sqlite3_column_text(stmt, 0));
    return sqlite3_finalize(stmt) == SQLITE_OK && ok;
}

/* Whose database it is, and of which version: before anything could be written to it. */
static enum err check_ours(sqlite3 *conn, const char *path, char **why)
{
    int application, version;
    if (!pragma_int(conn, "PRAGMA application_id", &application) ||
        !pragma_int(conn, "PRAGMA user_version", &version))
        return refuse_sqlite(conn, path, why);
    if (application != STORE_DB_APPLICATION) {
        *why = mem_printf(
            "%s: is an SQLite database of another program. It was left as it is; give "
            "the edge a `state` folder of its own.",
            path);
        return ERR_UNSUPPORTED;
    }
    if (version == STORE_DB_VERSION)
        return ERR_OK;
    *why = mem_printf(
        "%s: was written by another version of linkupd (format %d, this one knows %d). "
        "It was left as it is; run the version that wrote it, or a newer one.",
        path, version, STORE_DB_VERSION);
    return ERR_UNSUPPORTED;
}

static enum err check_sound(sqlite3 *conn, const char *path, char **why)
{
    char text[256], what[320];
    if (!pragma_text(conn, "PRAGMA quick_check(1)", text, sizeof text))
        return refuse_sqlite(conn, path, why);
    if (strcmp(text, "ok") == 0)
        return ERR_OK;
    snprintf(what, sizeof what, "the database is damaged (%s)", text);
    return refuse(ERR_CORRUPT, path, what, why);
}

/* A write-ahead log that is synced at each commit: an answered change survives a power cut. */
static enum err use_wal(sqlite3 *conn, const char *path, char **why)
{
    char mode[16];
    if (!pragma_text(conn, "PRAGMA journal_mode = WAL", mode, sizeof mode) ||
        sqlite3_exec(conn, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216", NULL,
                     NULL, NULL) != SQLITE_OK)
        return refuse_sqlite(conn, path, why);
    if (strcmp(mode, "wal") == 0)
        return ERR_OK;
    return refuse(ERR_IO, path, "SQLite refuses to keep a write-ahead log there", why);
}

static sqlite3_stmt *prepare(sqlite3 *conn, const char *fmt, const char *table)
{
    char sql[160];
    sqlite3_stmt *stmt = NULL;
    snprintf(sql, sizeof sql, fmt, table);
    /* On failure STMT stays NULL. */
    (void)sqlite3_prepare_v3(conn, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    return stmt;
}

/* Ends at the first that fails, whose message then stands in the connection. */
static bool prepare_all(struct store_db *db)
{
    for (int k = 0; k < STORE_KINDS; k++) {
        db->put[k] = prepare(db->conn,
                             "INSERT INTO %s (key, json) VALUES (?, ?) "
                             "ON CONFLICT (key) DO UPDATE SET json = excluded.json",
                             tables[k]);
        if (!db->put[k])
            return false;
        db->remove[k] = prepare(db->conn, "DELETE FROM %s WHERE key = ?", tables[k]);
        if (!db->remove[k])
            return false;
    }
    return (db->begin = prepare(db->conn, "%s", "BEGIN IMMEDIATE")) &&
           (db->commit = prepare(db->conn, "%s", "COMMIT")) &&
           (db->rollback = prepare(db->conn, "%s", "ROLLBACK"));
}

/* Everything that can be wrong with the file, in the order in which it would do harm. Until it has
 * passed, closing must not move the log into the file. */
static enum err check_and_prepare(struct store_db *db, char **why)
{
    sqlite3 *conn = db->conn;
    sqlite3_db_config(conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_busy_timeout(conn, BUSY_WAIT_MS);
    if (sqlite3_db_readonly(conn, "main") == 1)
        return refuse(ERR_DENIED, db->path, "cannot be written", why);
    /* Two edges on one file would not see each other's sessions. */
    if (sqlite3_exec(conn, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
        return refuse_sqlite(conn, db->path, why);
    TRY(check_ours(conn, db->path, why));
    TRY(check_sound(conn, db->path, why));
    if (!prepare_all(db)) {
        char what[320];
        snprintf(what, sizeof what, "the database lacks what it should hold (%s)",
                 sqlite3_errmsg(conn));
        return refuse(ERR_CORRUPT, db->path, what, why);
    }
    TRY(use_wal(conn, db->path, why));
    sqlite3_db_config(conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return ERR_OK;
}

enum err store_db_open(struct store_db *db, const char *path, char **why)
{
    *db = (struct store_db){0};
    struct stat st;
    if (stat(path, &st) != 0) {
        if (errno != ENOENT)
            return refuse(ERR_DENIED, path, log_errno_text(errno), why);
        TRY(store_db_make(path, why));
    } else if (st.st_size == 0) {
        /* SQLite would take it for a new database and drop the log beside it. */
        return refuse(ERR_CORRUPT, path, "is empty, which no database of ours is", why);
    }

    db->path = mem_strdup(path);
    errno = 0;
    int rc = sqlite3_open_v2(path, &db->conn, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
    if (!db->conn)
        rc = SQLITE_NOMEM;
    enum err e = rc == SQLITE_OK ? check_and_prepare(db, why)
                 : db->conn      ? refuse_sqlite(db->conn, path, why)
                                 : refuse(ERR_MEMORY, path, "no memory", why);
    if (e != ERR_OK)
        store_db_close(db);
    return e;
}

void store_db_close(struct store_db *db)
{
    for (int k = 0; k < STORE_KINDS; k++) {
        sqlite3_finalize(db->put[k]);
        sqlite3_finalize(db->remove[k]);
    }
    sqlite3_finalize(db->begin);
    sqlite3_finalize(db->commit);
    sqlite3_finalize(db->rollback);
    CHECK(sqlite3_close(db->conn) == SQLITE_OK);
    mem_free(db->path);
    *db = (struct store_db){0};
}
