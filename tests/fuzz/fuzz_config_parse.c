/* Any text as a configuration file: it is refused with errors, or its dump loads to the same dump. */
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define DUMP_MAX ((size_t)64 << 20)

static struct config *load(struct span yaml)
{
    struct config *c = NULL;
    struct config_errors errors;
    enum err err = config_parse("/etc/linkup/linkupd.yaml", yaml, &c, &errors);
    CHECK((err == ERR_OK) == (c != NULL));
    CHECK((err == ERR_OK) == (errors.n == 0));
    config_errors_deinit(&errors);
    return c;
}

static void dump(const struct config *c, struct buf *out)
{
    buf_init(out, DUMP_MAX);
    CHECK(config_dump(c, out) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = load(span_of(data, size));
    if (!c)
        return 0;

    struct buf first, second;
    dump(c, &first);
    struct config *again = load(buf_span(&first));
    CHECK(again != NULL);
    dump(again, &second);
    CHECK(span_eq(buf_span(&first), buf_span(&second)));
    CHECK(config_needs_restart(c, again) == NULL);

    config_unref(c);
    config_unref(again);
    buf_deinit(&first);
    buf_deinit(&second);
    return 0;
}
