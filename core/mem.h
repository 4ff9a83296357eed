/* Heap memory for small fixed sizes: a failure is the end of the process.
 *
 * Where a peer chooses the size, use mem_try_alloc (or a capped buffer) and handle the NULL. */
#pragma once

#include <stddef.h>

#include "core/err.h"

/* Never NULL. mem_zalloc gives zeroed memory. Freed with mem_free. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_realloc(void *p, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((malloc, returns_nonnull));

/* Zeroed, at a multiple of ALIGN (a power of two). */
void *mem_zalloc_aligned(size_t size, size_t align) __attribute__((malloc, returns_nonnull));

/* NULL when there is no memory. */
void *mem_try_alloc(size_t size) __attribute__((malloc)) MUST_USE;

void mem_free(void *p);

/* Overwrites secrets in a way the compiler keeps. */
void mem_wipe(void *p, size_t len);

/* Aligned as TYPE asks, which can be more than malloc gives. */
#define NEW(type) ((type *)mem_zalloc_aligned(sizeof(type), _Alignof(type)))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
