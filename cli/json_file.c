#include "cli/json_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"

enum err json_file_read(const char *path, json_t **out, int *line)
{
    char *data;
    size_t len;
    json_error_t error = {0};
    *out = NULL;
    *line = 0;
    TRY(file_read(path, JSON_FILE_MAX, &data, &len));
    json_t *j = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);
    mem_wipe(data, len);
    mem_free(data);
    if (json_is_object(j)) {
        *out = j;
        return ERR_OK;
    }
    json_decref(j);
    *line = error.line > 0 ? error.line : 1;
    return ERR_CORRUPT;
}

enum err json_file_write(const char *path, const json_t *j)
{
    char *text = json_dumps(j, JSON_INDENT(2));
    CHECK(text);
    enum err e = file_write_atomic(path, span_str(text), 0600);
    int why = errno;
    mem_wipe(text, strlen(text));
    free(text);
    errno = why;
    return e;
}
