/* The log: one line an event, `event key=value ...`, written by the layer that decides.
 *
 * Lines go to standard error, as text or as JSON objects. From any thread; a line is one write.
 * Values are escaped; secrets are never given to it. A repeated event (same name, same thread)
 * beyond ten a second is counted, and the count is written with the next line of that event, as
 * `repeats`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_field_kind { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_UINT };

struct log_field {
    const char *key;
    enum log_field_kind kind;
    union {
        struct span str;
        int64_t i;
        uint64_t u;
    };
};

#define LOG_S(k, s) ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .str = span_str(s)})
#define LOG_SPAN(k, s) ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .str = (s)})
#define LOG_I(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_INT, .i = (int64_t)(v)})
#define LOG_U(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_UINT, .u = (uint64_t)(v)})
/* The text of errno E. */
#define LOG_ERRNO(e) LOG_S("error", log_errno_text(e))

/* Before threads start. */
void log_setup(enum log_level least, bool json);
/* From here on nobody waits for who reads standard error: lines that it does not take are dropped, and
 * their number is told as `dropped` with the next that it takes. For a process that serves. */
void log_never_wait(void);
/* May be called while serving. */
void log_set_level(enum log_level least);
bool log_enabled(enum log_level level);

/* EVENT and the keys are literals of [a-z0-9_]. Use LOG: this one does not look at the level. */
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);
const char *log_errno_text(int e);

/* LOG(LOG_INFO, "session_created", LOG_SPAN("name", name), LOG_U("services", n)); at least one
 * field. */
#define LOG(level, event, ...)                                                                     \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            const struct log_field log_fields_[] = {__VA_ARGS__};                                  \
            log_write((level), (event), log_fields_, sizeof log_fields_ / sizeof log_fields_[0]);  \
        }                                                                                          \
    } while (0)
