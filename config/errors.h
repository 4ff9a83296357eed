/* What is wrong with a configuration file, gathered: nobody should have to fix one mistake to be
 * shown the next. */
#pragma once

#include <stdarg.h>

#include "config/config.h"

/* LINE 0 and KEY "" speak of the whole file. Beyond a thousand errors only a last line is added
 * that says so. */
void errors_add(struct config_errors *errors, unsigned line, const char *key, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void errors_add_v(struct config_errors *errors, unsigned line, const char *key, const char *fmt,
                  va_list args) __attribute__((format(printf, 4, 0)));
/* Whether errors_add would drop a further one: then finding it can be spared. */
bool errors_full(const struct config_errors *errors);
/* Into the order of the file; errors of one line keep theirs. */
void errors_sort(struct config_errors *errors);
