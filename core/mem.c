#include "core/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static noreturn void die_of_memory(void)
{
    static const char text[] = "out of memory\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        abort();
    abort();
}

/* malloc(0) may answer NULL, which is no failure. */
static size_t at_least_one(size_t size)
{
    return size ? size : 1;
}

void *mem_alloc(size_t size)
{
    void *p = malloc(at_least_one(size));
    if (!p)
        die_of_memory();
    return p;
}

void *mem_zalloc(size_t size)
{
    void *p = calloc(1, at_least_one(size));
    if (!p)
        die_of_memory();
    return p;
}

void *mem_zalloc_aligned(size_t size, size_t align)
{
    if (align <= _Alignof(max_align_t))
        return mem_zalloc(size);

    void *p;
    if (posix_memalign(&p, align, at_least_one(size)) != 0)
        die_of_memory();
    memset(p, 0, size);
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *grown = realloc(p, at_least_one(size));
    if (!grown)
        die_of_memory();
    return grown;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t len)
{
    char *copy = (char *)mem_alloc(len + 1);
    if (len)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *mem_printf(const char *fmt, ...)
{
    char *text;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        die_of_memory();
    return text;
}

void *mem_try_alloc(size_t size)
{
    return malloc(at_least_one(size));
}

void mem_free(void *p)
{
    free(p);
}

void mem_wipe(void *p, size_t len)
{
    if (len)
        explicit_bzero(p, len);
}
