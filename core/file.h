/* Whole files: read with a ceiling, replaced so that a reader or a crash sees the old content or
 * the new, never a part. Blocking: for start-up, the command line and job threads. Errors as in
 * core/fd.h; errno is left as the system set it. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/span.h"

/* The content in *DATA, the caller's to mem_free, with a terminator behind its *LEN bytes.
 * ERR_NOT_FOUND; ERR_FULL when the file has more than CEILING bytes. No copy is left behind in
 * freed memory, so that it may be a secret. */
enum err file_read(const char *path, size_t ceiling, char **data, size_t *len) MUST_USE;

/* Puts DATA at PATH with the permission bits MODE, whatever the umask: a temporary file beside it,
 * synced, renamed over it, the directory synced. After an error the file is what it was or, when it
 * was the directory that could not be synced, the new one. */
enum err file_write_atomic(const char *path, struct span data, mode_t mode) MUST_USE;
