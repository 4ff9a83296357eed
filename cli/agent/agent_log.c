#include "cli/agent/agent_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/mem.h"

static bool is_large(const struct stat *st)
{
    return S_ISREG(st->st_mode) && (long long)st->st_size > AGENT_LOG_MAX;
}

static void put_aside(const char *file)
{
    char *aside = mem_printf("%s.1", file);
    (void)rename(file, aside); /* else it grows: no harm that a log could tell */
    mem_free(aside);
}

int agent_log_open(const char *file)
{
    struct stat st;
    if (stat(file, &st) == 0 && is_large(&st))
        put_aside(file);
    return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void agent_log_bound(const char *file)
{
    struct stat st;
    if (fstat(STDERR_FILENO, &st) != 0 || !is_large(&st))
        return;
    put_aside(file);
    int fd = agent_log_open(file);
    if (fd < 0)
        return;
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    fd_close(&fd);
}

void agent_log_tail(const char *file, size_t n, char *out, size_t size)
{
    struct stat st;
    ssize_t len = 0;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0) {
        off_t from = st.st_size > (off_t)size - 1 ? st.st_size - ((off_t)size - 1) : 0;
        len = pread(fd, out, size - 1, from);
    }
    fd_close(&fd);
    size_t end = len > 0 ? (size_t)len : 0, at = end;
    out[end] = '\0';
    while (at > 0 && !(out[at - 1] == '\n' && at < end && --n == 0))
        at--;
    memmove(out, out + at, end + 1 - at);
}
