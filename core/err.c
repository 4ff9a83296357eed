#include "core/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *err_text(enum err e)
{
    switch (e) {
    case ERR_OK:
        return "no error";
    case ERR_AGAIN:
        return "nothing to do yet";
    case ERR_EOF:
        return "end of stream";
    case ERR_CLOSED:
        return "connection broken";
    case ERR_SYNTAX:
        return "malformed";
    case ERR_RANGE:
        return "out of range";
    case ERR_FULL:
        return "limit reached";
    case ERR_MEMORY:
        return "out of memory";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_EXISTS:
        return "exists already";
    case ERR_CONFLICT:
        return "precondition does not hold";
    case ERR_DENIED:
        return "permission denied";
    case ERR_IO:
        return "input/output error";
    case ERR_CORRUPT:
        return "stored data is damaged";
    case ERR_CRYPTO:
        return "cryptographic failure";
    case ERR_TIMEOUT:
        return "timed out";
    case ERR_UNSUPPORTED:
        return "not supported";
    }
    return "unknown error";
}

noreturn void check_failed(const char *expr, const char *file, int line)
{
    /* No stdio stream and no log: their state may be what is broken. */
    char text[512];
    int n = snprintf(text, sizeof text, "%s:%d: check failed: %s\n", file, line, expr);
    if (n >= (int)sizeof text)
        n = (int)sizeof text - 1;
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
        abort();
    abort();
}
