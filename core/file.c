#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/mem.h"

#define FILE_FIRST_SIZE ((size_t)4096)

static enum err failed(int rc)
{
    return rc < 0 ? fd_err(errno) : ERR_OK;
}

/* What has been read so far; size bytes of storage, one more for the terminator. */
struct content {
    char *data;
    size_t len, size;
};

static void content_free(struct content *c)
{
    mem_wipe(c->data, c->len);
    mem_free(c->data);
}

static enum err content_grow(struct content *c, size_t size)
{
    struct content grown = {.data = (char *)mem_try_alloc(size + 1), .len = c->len, .size = size};
    if (!grown.data)
        return ERR_MEMORY;
    if (c->len)
        memcpy(grown.data, c->data, c->len);
    content_free(c);
    *c = grown;
    return ERR_OK;
}

static enum err read_some(int fd, void *dst, size_t cap, size_t *got)
{
    ssize_t n;
    do
        n = read(fd, dst, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fd_err(errno);
    *got = (size_t)n;
    return ERR_OK;
}

/* What stat says is only a hint: files of /proc have no size, others grow meanwhile. */
static size_t size_hint(int fd)
{
    struct stat st;
    bool known = fstat(fd, &st) == 0 && st.st_size > 0;
    return known ? (size_t)st.st_size : FILE_FIRST_SIZE;
}

static enum err read_all(int fd, size_t ceiling, struct content *c)
{
    /* Storage for one byte more than is allowed shows a file that has more. */
    size_t most = ceiling < SIZE_MAX - 1 ? ceiling + 1 : ceiling;
    size_t hint = size_hint(fd);
    TRY(content_grow(c, hint < most ? hint + 1 : most));
    for (;;) {
        size_t got = 0;
        TRY(read_some(fd, c->data + c->len, c->size - c->len, &got));
        if (got == 0)
            return ERR_OK;
        c->len += got;
        if (c->len > ceiling)
            return ERR_FULL;
        if (c->len == c->size)
            TRY(content_grow(c, c->size < most / 2 ? c->size * 2 : most));
    }
}

enum err file_read(const char *path, size_t ceiling, char **data, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    TRY(failed(fd));

    struct content c = {NULL, 0, 0};
    enum err e = read_all(fd, ceiling, &c);
    fd_close(&fd);
    if (e != ERR_OK) {
        content_free(&c);
        return e;
    }
    c.data[c.len] = '\0';
    *data = c.data;
    *len = c.len;
    return ERR_OK;
}

static enum err write_all(int fd, struct span data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.p, data.len);
        if (n < 0 && errno == EINTR)
            continue;
        TRY(failed((int)(n < 0 ? -1 : 0)));
        data = span_from(data, (size_t)n);
    }
    return ERR_OK;
}

static enum err fill(int fd, struct span data, mode_t mode)
{
    TRY(write_all(fd, data));
    TRY(failed(fchmod(fd, mode)));
    return failed(fsync(fd));
}

/* Makes the temporary file at TEMPLATE, which becomes its name, and fills it; gone on an error. */
static enum err write_temporary(char *template, struct span data, mode_t mode)
{
    int fd = mkostemp(template, O_CLOEXEC);
    TRY(failed(fd));
    enum err e = fill(fd, data, mode);
    if (close(fd) < 0 && e == ERR_OK)
        e = fd_err(errno);
    if (e != ERR_OK) {
        int errno_before = errno;
        unlink(template);
        errno = errno_before;
    }
    return e;
}

/* A rename is only certain to outlive a crash once its directory is on the disk. */
static enum err sync_directory_of(const char *path)
{
    ptrdiff_t slash = span_rchr(span_str(path), '/');
    char *dir = slash < 0 ? mem_strdup(".") : mem_strndup(path, slash ? (size_t)slash : 1);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(dir);
    TRY(failed(fd));
    enum err e = failed(fsync(fd));
    fd_close(&fd);
    return e;
}

static enum err rename_over(const char *from, const char *to)
{
    if (rename(from, to) == 0)
        return ERR_OK;
    int errno_before = errno;
    unlink(from);
    errno = errno_before;
    return fd_err(errno);
}

enum err file_write_atomic(const char *path, struct span data, mode_t mode)
{
    char *temporary = mem_printf("%s.XXXXXX", path);
    enum err e = write_temporary(temporary, data, mode);
    if (e == ERR_OK)
        e = rename_over(temporary, path);
    mem_free(temporary);
    TRY(e);
    return sync_directory_of(path);
}
