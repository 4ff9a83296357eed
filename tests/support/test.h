/* For every unit test: cmocka with the headers it forgets, and assertions about our own types. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/span.h"

#define assert_err(expected, expr) test_assert_err((expected), (expr), #expr, __FILE__, __LINE__)
#define assert_ok(expr) assert_err(ERR_OK, (expr))
#define assert_span(s, literal) test_assert_span((s), SPAN_LIT(literal), __FILE__, __LINE__)

void test_assert_err(enum err expected, enum err got, const char *expr, const char *file, int line);
void test_assert_span(struct span got, struct span expected, const char *file, int line);

/* Whether FN(ARG) ends its process by abort(), as a failed CHECK does. It runs in a child whose
 * standard error goes nowhere. */
bool test_aborts(void (*fn)(void *arg), void *arg);

/* A new empty directory, and its removal with all it holds. PATH_MAX bytes are enough for DIR. */
void test_tmpdir_make(char *dir, size_t cap);
void test_tmpdir_remove(const char *dir);
