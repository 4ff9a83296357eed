/* One line of the access log: what an exchange was, how it went, how long it took. Pure.
 *
 * Three forms: a JSON object; key=value pairs; the Combined Log Format of Apache's server with the rest as
 * key=value pairs behind it. Queries are left out, of the target and of the referer: tokens are in them.
 *
 * Values come from clients and are escaped as the log's own are: no value can end the line, forge a
 * field, or reach a terminal as a control sequence. */
#pragma once

#include <stdint.h>

#include "config/config.h"
#include "core/timefmt.h"

struct exchange;

/* With its newline. Not above PIPE_BUF, so that a line enters a pipe in one piece. */
#define ACCESS_LINE_MAX 4096

/* The text of the second last written: a busy worker writes many lines in each. Start with zeroes. */
struct access_clock {
    int64_t second;
    enum access_format format;
    char text[TIMEFMT_MAX]; /* "2026-05-01T10:00:00." */
};

/* Writes into OUT (ACCESS_LINE_MAX bytes) and returns the length. NOW_US: monotonic, as X's times are. */
size_t access_line_write(char *out, enum access_format format, int64_t wall_ms, uint64_t now_us,
                         struct access_clock *clock, const struct exchange *x);
