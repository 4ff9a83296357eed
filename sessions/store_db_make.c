#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"
#include "sessions/store_db.h"

/* A new database is made under another name, synced, and only then given its own: after a crash there
 * is either a whole database or none, and an empty file never counts as a new one. */

static const char schema[] =
    "PRAGMA journal_mode = DELETE;"
    "PRAGMA synchronous = FULL;"
    "BEGIN;"
    "CREATE TABLE sessions (key TEXT PRIMARY KEY NOT NULL, json TEXT NOT NULL) STRICT;"
    "CREATE TABLE tokens (key TEXT PRIMARY KEY NOT NULL, json TEXT NOT NULL) STRICT;"
    "CREATE TABLE uses (key TEXT PRIMARY KEY NOT NULL, json TEXT NOT NULL) STRICT;";

static enum err fail(const char *path, const char *what, const char *reason, enum err e, char **why)
{
    *why = mem_printf("%s: %s: %s. The state folder must exist, be writable for the user that the "
                      "edge runs as, and have room.",
                      path, what, reason);
    return e;
}

static enum err fail_errno(const char *path, const char *what, char **why)
{
    enum err e = ERR_IO;
    if (errno == EACCES || errno == EPERM || errno == EROFS)
        e = ERR_DENIED;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        e = ERR_FULL;
    return fail(path, what, log_errno_text(errno), e, why);
}

/* A log without its database belongs to one that was moved or lost; beside a new one it would harm. */
static enum err check_no_log(const char *path, char **why)
{
    static const char *const suffixes[] = {"-wal", "-journal"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char *log = mem_printf("%s%s", path, suffixes[i]);
        bool there = access(log, F_OK) == 0;
        if (there)
            *why = mem_printf(
                "%s: is missing, but %s is there and may hold its last changes. Put the "
                "database back, or move %s away to start with no sessions.",
                path, log, log);
        mem_free(log);
        if (there)
            return ERR_CORRUPT;
    }
    return ERR_OK;
}

static enum err fill(const char *temp, const char *path, char **why)
{
    sqlite3 *conn = NULL;
    char *head = mem_printf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                            STORE_DB_APPLICATION, STORE_DB_VERSION);
    errno = 0;
    int rc = sqlite3_open_v2(temp, &conn, SQLITE_OPEN_READWRITE, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(conn, schema, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(conn, head, NULL, NULL, NULL);
    enum err e = ERR_OK;
    if (rc != SQLITE_OK)
        e = fail(path, "cannot be made", sqlite3_errmsg(conn),
                 conn ? store_db_err(conn) : ERR_MEMORY, why);
    sqlite3_close(conn);
    mem_free(head);
    return e;
}

static enum err sync_folder(const char *path, char **why)
{
    char *copy = mem_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(copy);
    if (fd < 0)
        return fail_errno(path, "its folder cannot be opened", why);
    int rc = fsync(fd);
    enum err e = rc == 0 ? ERR_OK : fail_errno(path, "its folder cannot be synced", why);
    close(fd);
    return e;
}

/* link() and not rename(): what came meanwhile is not replaced. */
static enum err fill_and_link(const char *temp, const char *path, char **why)
{
    TRY(fill(temp, path, why));
    if (link(temp, path) != 0)
        return fail_errno(path, "cannot be made", why);
    return sync_folder(path, why);
}

enum err store_db_make(const char *path, char **why)
{
    TRY(check_no_log(path, why));
    char *temp = mem_printf("%s.XXXXXX", path);
    enum err e;
    int fd = mkostemp(temp, O_CLOEXEC); /* 0600 */
    if (fd < 0) {
        e = fail_errno(path, "cannot be made", why);
    } else {
        /* Before SQLite opens it: closing a descriptor drops the process's locks on the file. */
        close(fd);
        e = fill_and_link(temp, path, why);
        unlink(temp);
    }
    mem_free(temp);
    return e;
}
