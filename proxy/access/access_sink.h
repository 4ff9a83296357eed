/* Where the access log goes: a file, a pipe, a terminal, a socket. Used by the writer's thread alone, but for
 * its opening at the start. */
#pragma once

#include <stdbool.h>

#include "config/config.h"
#include "core/span.h"

enum access_sink_kind {
    SINK_NONE,
    SINK_FILE,   /* takes whole writes, however long */
    SINK_STREAM, /* pipe, terminal: at most PIPE_BUF bytes go in one piece (POSIX write) */
    SINK_SOCKET,
};

struct access_sink {
    int fd; /* -1: none */
    enum access_sink_kind kind;
    bool nonblocking;
    bool torn; /* the last line was not written to its end */
};

void access_sink_init(struct access_sink *s);
/* Opens what CONFIG names in the place of what was open; with access: off nothing is. On failure (errno)
 * S is as it was. */
enum err access_sink_open(struct access_sink *s, const struct config_log *config) MUST_USE;
void access_sink_close(struct access_sink *s);
/* Writes the front of LINES (whole lines, or what a call before left of them) without waiting: how many
 * bytes went, 0 when it takes nothing now, -1 (errno) when it failed. */
ssize_t access_sink_write(struct access_sink *s, struct span lines);
/* What is left of the lines is given up. BEGUN: the first of them had partly gone. */
void access_sink_give_up(struct access_sink *s, bool begun);
/* Waits for S to take more, at most MS. */
void access_sink_wait(const struct access_sink *s, int ms);
