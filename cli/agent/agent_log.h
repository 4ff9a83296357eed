/* The agent's log: its standard error in a file of the state folder (0600). Once it is large it becomes FILE.1
 * and is begun anew: two of these are the most that is kept. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define AGENT_LOG_MAX ((long long)1 << 20)

/* FILE to append to; its descriptor, or -1 (errno). */
int agent_log_open(const char *file);
/* Where standard output and error are FILE and it has become large, they are a new one afterwards. */
void agent_log_bound(const char *file);
/* The last lines of FILE, at most N of them and SIZE-1 bytes, terminated. */
void agent_log_tail(const char *file, size_t n, char *out, size_t size);
