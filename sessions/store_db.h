/* The database file of the SQLite store: opening with every check, and the statements.
 *
 * Internal to store_sqlite*.c. The connection locks itself, so that a load may run beside a batch. */
#pragma once

#include <sqlite3.h>

#include "sessions/store.h"

struct store_db {
    sqlite3 *conn;
    char *path;
    sqlite3_stmt *put[STORE_KINDS], *remove[STORE_KINDS];
    sqlite3_stmt *begin, *commit, *rollback;
};

/* As store_sqlite_open. */
enum err store_db_open(struct store_db *db, const char *path, char **why) MUST_USE;
void store_db_close(struct store_db *db);
/* The table of KIND; its columns are key and json. */
const char *store_db_table(enum store_kind kind);
/* What the last failure of CONN is to us: disk full, corrupt, denied, ... Reads errno, so that it has
 * to be 0 before the call that failed, and untouched since. */
enum err store_db_err(sqlite3 *conn);
/* The system's reason for it, or 0. */
int store_db_errno(sqlite3 *conn);

/* Internal to the two of them: makes a new database at PATH, whole or not at all. */
enum err store_db_make(const char *path, char **why) MUST_USE;

#define STORE_DB_APPLICATION 0x4c4b5550 /* "LKUP" */
#define STORE_DB_VERSION 1
