/* One line of the log, built in place: as text, `TIME LEVEL event key=value`, or as a JSON object.
 *
 * What a value holds cannot end the line, forge a field or reach a terminal as a control sequence.
 * A line is never longer than a pipe takes in one piece; what does not fit is cut and the line says
 * `truncated`. Pure. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/log.h"

struct log_line {
    bool json;
    bool cut; /* something did not fit: nothing but the end follows */
    size_t len;
    char text[PIPE_BUF];
};

/* EVENT is a literal of [a-z0-9_], as are the keys of fields. */
void log_line_begin(struct log_line *l, bool json, int64_t wall_ms, enum log_level level,
                    const char *event);
void log_line_field(struct log_line *l, const struct log_field *f);
/* Afterwards text[0..len) is the line with its newline. */
void log_line_end(struct log_line *l);
