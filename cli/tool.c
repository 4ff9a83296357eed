#include "cli/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn(const char *const argv[], int out, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out < 0 ? STDERR_FILENO : out, STDOUT_FILENO);
    if (out >= 0)
        posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    /* posix_spawn does not write to the strings. */
    char **words = (char **)(uintptr_t)argv;
    int e = posix_spawnp(pid, argv[0], &files, NULL, words, environ);
    posix_spawn_file_actions_destroy(&files);
    return e;
}

/* What does not fit is read all the same, so that the program can end. */
static void collect(int fd, struct buf *out)
{
    char piece[4096];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        enum err e = buf_append(out, span_of(piece, (size_t)n));
        (void)e;
    }
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int tool_run(const char *const argv[], struct buf *out)
{
    int ends[2] = {-1, -1};
    pid_t pid;
    fflush(stderr);
    if (out && pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    int e = spawn(argv, ends[1], &pid);
    if (out)
        close(ends[1]);
    if (e == 0 && out)
        collect(ends[0], out);
    if (out)
        close(ends[0]);
    errno = e;
    return e == 0 ? wait_for(pid) : -1;
}

bool tool_find(const char *name, char *full, size_t size)
{
    const char *path = getenv("PATH");
    struct span rest = span_str(path ? path : "/usr/bin:/bin"), folder;
    struct span more = SPAN_LIT("/usr/sbin:/sbin:/usr/local/sbin");
    for (int i = 0; i < 2; i++, rest = more)
        while (span_split(&rest, ':', &folder)) {
            int len = snprintf(full, size, SPAN_FMT "/%s", SPAN_ARG(folder), name);
            if (folder.len && len > 0 && (size_t)len < size && access(full, X_OK) == 0)
                return true;
        }
    return false;
}
