#include "cli/book.h"

#include <errno.h>
#include <string.h>

#include "cli/edge.h"
#include "cli/file_lock.h"
#include "cli/folders.h"
#include "cli/json_file.h"
#include "core/fd.h"

/* Who has the lock asks the edge once at most. */
#define LOCK_WAIT_S 60

static enum exit_code damaged(struct cli *c, const char *path, enum err e, int line)
{
    if (e == ERR_CORRUPT)
        cli_complain(c, "%s:%d: damaged: not what was written there", path, line);
    else
        cli_complain(c, "%s: %s", path, e == ERR_IO ? strerror(errno) : err_text(e));
    cli_advise(c, "take it away: it holds which folder has which session; sessions live on");
    return EXIT_INPUT;
}

static bool is_entry(const json_t *e)
{
    return *json_text(e, "edge") && *json_text(e, "session") &&
           json_is_string(json_object_get(e, "project")) &&
           json_is_object(json_object_get(e, "local"));
}

static bool is_book(const json_t *entries)
{
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e)
    {
        if (!is_entry(e))
            return false;
    }
    return json_is_array(entries);
}

static enum exit_code load(struct book *b)
{
    json_t *root;
    int line;
    enum err e = b->path ? json_file_read(b->path, &root, &line) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        root = json_pack("{s:[]}", "sessions");
    else if (e != ERR_OK)
        return damaged(b->c, b->path, e, line);
    cli_keep(b->c, root);
    b->entries = json_object_get(root, "sessions");
    return is_book(b->entries) ? EXIT_DONE : damaged(b->c, b->path, ERR_CORRUPT, 1);
}

enum exit_code book_read(struct cli *c, struct book *b)
{
    *b = (struct book){.c = c, .lock = -1};
    enum exit_code code = folder_state(c, "sessions.json", false, &b->path);
    return code == EXIT_DONE ? load(b) : code;
}

enum exit_code book_open(struct cli *c, struct book *b)
{
    const char *lock;
    *b = (struct book){.c = c, .lock = -1};
    enum exit_code code = folder_state(c, "sessions.json", true, &b->path);
    if (code == EXIT_DONE)
        code = folder_state(c, "sessions.lock", true, &lock);
    if (code != EXIT_DONE)
        return code;
    enum err e = file_lock(lock, LOCK_WAIT_S, &b->lock);
    if (e != ERR_OK) {
        cli_complain(c, "%s: %s", lock,
                     e == ERR_TIMEOUT ? "another linkup holds it" : strerror(errno));
        return EXIT_INPUT;
    }
    code = load(b);
    if (code != EXIT_DONE)
        book_close(b);
    return code;
}

enum exit_code book_save(struct book *b)
{
    CHECK(b->lock >= 0);
    json_t *root = json_pack("{s:O}", "sessions", b->entries);
    enum err e = json_file_write(b->path, root);
    int why = errno;
    json_decref(root);
    if (e == ERR_OK)
        return EXIT_DONE;
    cli_complain(b->c, "cannot write %s: %s", b->path, strerror(why));
    return EXIT_INPUT;
}

void book_close(struct book *b)
{
    fd_close(&b->lock);
}

static bool is_at(const json_t *e, const char *key, const char *value)
{
    return strcmp(json_text(e, key), value) == 0;
}

json_t *book_find(const struct book *b, const char *edge, const char *session)
{
    size_t i;
    json_t *e;
    json_array_foreach(b->entries, i, e)
    {
        if (is_at(e, "edge", edge) && is_at(e, "session", session))
            return e;
    }
    return NULL;
}

json_t *book_own(const struct book *b, const char *project, const char *edge)
{
    size_t i;
    json_t *e;
    json_array_foreach(b->entries, i, e)
    {
        if (is_at(e, "project", project) && (!edge || is_at(e, "edge", edge)))
            return e;
    }
    return NULL;
}

json_t *book_named(const struct book *b, const char *session)
{
    size_t i;
    json_t *e, *found = NULL;
    json_array_foreach(b->entries, i, e)
    {
        if (!is_at(e, "session", session))
            continue;
        if (found)
            return NULL;
        found = e;
    }
    return found;
}

json_t *book_add(struct book *b, const char *project, const char *edge, const char *session)
{
    json_t *e = json_pack("{s:s, s:s, s:s, s:b, s:{}, s:{}, s:{}}", "project", project, "edge",
                          edge, "session", session, "on", 0, "local", "urls", "domain_urls");
    CHECK(e);
    json_array_append_new(b->entries, e);
    return e;
}

void book_remove(struct book *b, const json_t *entry)
{
    size_t i;
    json_t *e;
    json_array_foreach(b->entries, i, e)
    {
        if (e != entry)
            continue;
        json_array_remove(b->entries, i);
        return;
    }
}

bool entry_is_on(const json_t *entry)
{
    return json_is_true(json_object_get(entry, "on"));
}

bool entry_is_alone(const json_t *entry)
{
    return json_is_true(json_object_get(entry, "alone"));
}

const char *entry_local(const json_t *entry, const char *service)
{
    return json_string_value(json_object_get(json_object_get(entry, "local"), service));
}

void entry_set_local(json_t *entry, const char *service, const char *url)
{
    json_t *local = json_object_get(entry, "local");
    if (url)
        json_object_set_new(local, service, json_string(url));
    else
        json_object_del(local, service);
}

void entry_take_urls(json_t *entry, const json_t *session)
{
    static const char *const keys[] = {"urls", "domain_urls"};
    for (size_t i = 0; i < 2; i++) {
        json_t *urls = json_object_get(session, keys[i]);
        json_object_set_new(entry, keys[i],
                            json_is_object(urls) ? json_deep_copy(urls) : json_object());
    }
}
