/* A lock on a file that every process of ours takes before it does what only one may do at a time. It goes
 * with the process, however that ends. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

/* Waits for it up to SECONDS, 0: not at all. PATH is made (0600) where it is not. ERR_TIMEOUT: another process
 * has it; ERR_IO. Uses SIGALRM: for the command line only. */
enum err file_lock(const char *path, unsigned seconds, int *fd) MUST_USE;
/* Writes who has it into the file. */
enum err file_lock_sign(int fd) MUST_USE;
/* Who has the lock of PATH, as it signed; 0: nobody, or not known. */
pid_t file_lock_holder(const char *path);
