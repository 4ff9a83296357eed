/* The internal CA on disk: <state>/ca/ca.pem and ca.key. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/ca.h"
#include "certs/pem.h"
#include "core/fd.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"

#define EXPIRES_SOON_S ((int64_t)60 * 86400)

struct ca_paths {
    char *dir, *pem, *key;
};

static void paths_init(struct ca_paths *p, const char *state, const char *dir)
{
    p->dir = mem_printf("%s/%s", state, dir);
    p->pem = mem_printf("%s/ca.pem", p->dir);
    p->key = mem_printf("%s/ca.key", p->dir);
}

static void paths_deinit(struct ca_paths *p)
{
    mem_free(p->dir);
    mem_free(p->pem);
    mem_free(p->key);
}

static enum err sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fd_err(errno);
    enum err e = fsync(fd) == 0 ? ERR_OK : fd_err(errno);
    fd_close(&fd);
    return e;
}

static enum err write_key(const struct ca *ca, const char *path)
{
    char *text;
    TRY(ca_key_pem(ca, &text));
    size_t len = strlen(text);
    enum err e = file_write_atomic(path, span_of(text, len), 0600);
    mem_wipe(text, len);
    mem_free(text);
    return e;
}

/* What an interrupted first start may have left in the folder that never got its name. */
static void clear_draft(const struct ca_paths *draft)
{
    DIR *d = opendir(draft->dir);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));)
        (void)unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    (void)rmdir(draft->dir);
}

static enum err write_draft(const struct ca *ca, const struct ca_paths *draft)
{
    clear_draft(draft);
    if (mkdir(draft->dir, 0700) != 0)
        return fd_err(errno);
    TRY(write_key(ca, draft->key));
    return file_write_atomic(draft->pem, span_str(ca_pem(ca)), 0644);
}

/* Both files are written into a folder beside it, which then takes its name: at no time is there a
 * key without its certificate. An empty folder of that name gives way, a full one does not. */
static enum err write_files(const struct ca *ca, const char *state, const struct ca_paths *paths)
{
    struct ca_paths draft;
    paths_init(&draft, state, "ca.new");
    enum err e = write_draft(ca, &draft);
    if (e == ERR_OK && rename(draft.dir, paths->dir) != 0)
        e = fd_err(errno);
    if (e == ERR_OK)
        e = sync_folder(state);
    int errno_before = errno;
    clear_draft(&draft);
    errno = errno_before;
    paths_deinit(&draft);
    return e;
}

static enum err make(const char *state, const char *zone, int64_t now_s,
                     const struct ca_paths *paths, struct ca **out, char **why)
{
    enum err e = ca_make(zone, now_s, out);
    if (e != ERR_OK) {
        *why = mem_strdup("a CA could not be made: the cryptographic library refused");
        return e;
    }
    e = write_files(*out, state, paths);
    if (e != ERR_OK) {
        *why = mem_printf("%s: the new CA could not be written (%s): the folder %s must exist and "
                          "be writable to the user this runs as",
                          paths->dir, log_errno_text(errno), state);
        ca_unref(*out);
        return e;
    }
    LOG(LOG_INFO, "ca_made", LOG_S("zone", zone), LOG_S("file", paths->pem));
    return ERR_OK;
}

/* A key that others can read is a key that others have. */
static enum err check_key_mode(const char *path, char **why)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        enum err e = fd_err(errno);
        *why = mem_printf("%s: %s", path, log_errno_text(errno));
        return e;
    }
    if (!S_ISREG(st.st_mode)) {
        *why = mem_printf("%s is not a file", path);
        return ERR_CORRUPT;
    }
    if (st.st_mode & 077) {
        *why = mem_printf("%s may be read or written by others (mode %04o): if nobody has had it, "
                          "chmod 600 it, else move the folder away to have a new CA made",
                          path, (unsigned)(st.st_mode & 07777));
        return ERR_DENIED;
    }
    return ERR_OK;
}

static enum err read_file(const char *path, char **data, size_t *len, char **why)
{
    enum err e = file_read(path, PEM_FILE_MAX, data, len);
    if (e != ERR_OK)
        *why = mem_printf("%s: %s", path, e == ERR_FULL ? "too large" : log_errno_text(errno));
    return e;
}

static enum err parse(const struct ca_paths *paths, struct span pem, struct span key,
                      const char *zone, int64_t now_s, struct ca **out, char **why)
{
    char *what;
    enum err e = ca_parse(pem, key, zone, now_s, out, &what);
    if (e == ERR_OK)
        return e;
    *why = mem_printf("%s %s. Put the right files (or zone) back, or, to have a new CA made that "
                      "everybody must trust anew, move the folder %s away",
                      paths->pem, what, paths->dir);
    mem_free(what);
    return e;
}

static void warn_of_end(const struct ca *ca, int64_t now_s)
{
    int64_t left_s = ca_not_after_s(ca) - now_s;
    if (left_s < EXPIRES_SOON_S)
        LOG(LOG_WARN, "ca_expires_soon", LOG_I("expires_in_s", left_s));
}

static enum err load(const struct ca_paths *paths, const char *zone, int64_t now_s, struct ca **out,
                     char **why)
{
    TRY(check_key_mode(paths->key, why));
    char *pem, *key;
    size_t pem_len, key_len;
    TRY(read_file(paths->pem, &pem, &pem_len, why));
    enum err e = read_file(paths->key, &key, &key_len, why);
    if (e == ERR_OK) {
        e = parse(paths, span_of(pem, pem_len), span_of(key, key_len), zone, now_s, out, why);
        mem_wipe(key, key_len);
        mem_free(key);
    }
    mem_free(pem);
    if (e == ERR_OK)
        warn_of_end(*out, now_s);
    return e;
}

/* *NONE when neither file is there. One alone is damage. */
static enum err look(const struct ca_paths *paths, bool *none, char **why)
{
    const char *path[2] = {paths->pem, paths->key};
    bool missing[2];
    for (int i = 0; i < 2; i++) {
        struct stat st;
        missing[i] = stat(path[i], &st) != 0;
        if (!missing[i] || errno == ENOENT)
            continue;
        enum err e = fd_err(errno);
        *why = mem_printf("%s: %s", path[i], log_errno_text(errno));
        return e;
    }
    *none = missing[0] && missing[1];
    if (missing[0] == missing[1])
        return ERR_OK;
    *why = mem_printf(
        "%s is missing beside %s: put it back from a backup, or, to have a new CA made "
        "that everybody must trust anew, move the folder %s away",
        path[missing[0] ? 0 : 1], path[missing[0] ? 1 : 0], paths->dir);
    return ERR_CORRUPT;
}

enum err ca_open(const char *state, const char *zone, int64_t now_s, struct ca **out, char **why)
{
    struct ca_paths paths;
    paths_init(&paths, state, "ca");
    bool none = false;
    enum err e = look(&paths, &none, why);
    if (e == ERR_OK)
        e = none ? make(state, zone, now_s, &paths, out, why) : load(&paths, zone, now_s, out, why);
    paths_deinit(&paths);
    return e;
}
