/* Failures and bugs.
 *
 * A function that can fail returns a must-use `enum err`. Outcomes that are part of a protocol
 * (NXDOMAIN, 404, a truncated answer) are values of their own types, never an `enum err`.
 * Bugs are asserted with CHECK, in every build. */
#pragma once

#include <stdnoreturn.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

enum err {
    ERR_OK = 0,
    ERR_AGAIN,     /* nothing to do now; an event will follow */
    ERR_EOF,       /* the peer ended the stream in order */
    ERR_CLOSED,    /* the peer or the network broke the stream */
    ERR_SYNTAX,    /* input is not of the required form */
    ERR_RANGE,     /* a value lies outside its limits */
    ERR_FULL,      /* a buffer or table has reached its ceiling */
    ERR_MEMORY,    /* no memory for a size that a peer chose */
    ERR_NOT_FOUND, /* no such thing */
    ERR_EXISTS,    /* there is one already */
    ERR_CONFLICT,  /* a precondition does not hold */
    ERR_DENIED,    /* permission is missing */
    ERR_IO,        /* the operating system refused; errno says why */
    ERR_CORRUPT,   /* stored data is damaged */
    ERR_CRYPTO,    /* a cryptographic library refused */
    ERR_TIMEOUT,   /* a deadline passed */
    ERR_UNSUPPORTED,
};

/* A short English text for E, static storage. */
const char *err_text(enum err e);

/* Reports a broken invariant on standard error with its place and aborts. */
noreturn void check_failed(const char *expr, const char *file, int line);

#define CHECK(expr)                                                                                \
    (__builtin_expect(!!(expr), 1) ? (void)0 : check_failed(#expr, __FILE__, __LINE__))

/* Leaves the enclosing function with the error of EXPR when it is not ERR_OK. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        enum err try_err_ = (expr);                                                                \
        if (__builtin_expect(try_err_ != ERR_OK, 0))                                               \
            return try_err_;                                                                       \
    } while (0)
