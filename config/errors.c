#include "config/errors.h"

#include <stdio.h>

#include "core/mem.h"

#define ERRORS_MAX 1000
#define TEXT_MAX 1024

bool errors_full(const struct config_errors *errors)
{
    return errors->n > ERRORS_MAX;
}

static void append(struct config_errors *errors, unsigned line, const char *key, const char *text)
{
    /* The array doubles whenever its length is a power of two, so it needs no capacity of its own. */
    if ((errors->n & (errors->n - 1)) == 0) {
        size_t room = errors->n ? errors->n * 2 : 1;
        errors->v = mem_realloc(errors->v, room * sizeof *errors->v);
    }
    errors->v[errors->n++] = (struct config_error){line, mem_strdup(key), mem_strdup(text)};
}

void errors_add_v(struct config_errors *errors, unsigned line, const char *key, const char *fmt,
                  va_list args)
{
    char text[TEXT_MAX];
    if (errors_full(errors))
        return;
    if (errors->n == ERRORS_MAX) {
        append(errors, line, "", "there are more errors than are shown");
        return;
    }
    vsnprintf(text, sizeof text, fmt, args);
    append(errors, line, key, text);
}

void errors_add(struct config_errors *errors, unsigned line, const char *key, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    errors_add_v(errors, line, key, fmt, args);
    va_end(args);
}

/* Insertion sort: stable, and the walk finds errors nearly in order. */
void errors_sort(struct config_errors *errors)
{
    for (size_t i = 1; i < errors->n; i++) {
        struct config_error e = errors->v[i];
        size_t at = i;
        for (; at > 0 && errors->v[at - 1].line > e.line; at--)
            errors->v[at] = errors->v[at - 1];
        errors->v[at] = e;
    }
}

void config_errors_deinit(struct config_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        mem_free(errors->v[i].key);
        mem_free(errors->v[i].text);
    }
    mem_free(errors->v);
    *errors = (struct config_errors){NULL, 0};
}

enum err config_errors_write(const struct config_errors *errors, const char *file, struct buf *out)
{
    for (size_t i = 0; i < errors->n; i++) {
        const struct config_error *e = &errors->v[i];
        TRY(buf_printf(out, "%s:", file));
        if (e->line)
            TRY(buf_printf(out, "%u:", e->line));
        if (e->key[0])
            TRY(buf_printf(out, " %s:", e->key));
        TRY(buf_printf(out, " %s\n", e->text));
    }
    return ERR_OK;
}
