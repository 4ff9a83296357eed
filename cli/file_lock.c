#include "cli/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/span.h"

static void on_alarm(int number)
{
    (void)number;
}

/* flock() has no deadline of its own: an alarm ends its wait. */
static int flock_within(int fd, unsigned seconds)
{
    struct sigaction mine = {.sa_handler = on_alarm}, before;
    sigemptyset(&mine.sa_mask);
    sigaction(SIGALRM, &mine, &before);
    alarm(seconds);
    int r = flock(fd, LOCK_EX);
    int why = errno;
    alarm(0);
    sigaction(SIGALRM, &before, NULL);
    errno = why;
    return r;
}

enum err file_lock(const char *path, unsigned seconds, int *fd)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return ERR_IO;
    int r = flock(*fd, LOCK_EX | LOCK_NB);
    if (r != 0 && errno == EWOULDBLOCK && seconds > 0)
        r = flock_within(*fd, seconds);
    if (r == 0)
        return ERR_OK;
    enum err e = errno == EWOULDBLOCK || errno == EINTR ? ERR_TIMEOUT : ERR_IO;
    fd_close(fd);
    return e;
}

enum err file_lock_sign(int fd)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bool done = ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
    return done ? ERR_OK : ERR_IO;
}

pid_t file_lock_holder(const char *path)
{
    char text[32] = "";
    uint64_t pid = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    /* What is signed in a file that nobody holds is of one that has ended. */
    bool held = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ssize_t n = held ? read(fd, text, sizeof text - 1) : 0;
    fd_close(&fd);
    struct span s = span_of(text, n > 0 ? strcspn(text, "\n") : 0);
    return span_to_u64(s, &pid) == ERR_OK && pid > 1 && pid < INT32_MAX ? (pid_t)pid : 0;
}
