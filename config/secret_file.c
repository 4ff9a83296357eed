#include "config/secret_file.h"

#include <errno.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/mem.h"

#define SECRET_MAX ((size_t)8192)

static const char *content_problem(struct span s)
{
    if (s.len == 0)
        return "is empty";
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return "holds more than one line, or control characters";
    return NULL;
}

static bool take_content(struct value *v, const char *path, struct span content)
{
    if (span_ends(content, SPAN_LIT("\n")))
        content = span_sub(content, 0, content.len - 1);
    if (span_ends(content, SPAN_LIT("\r")))
        content = span_sub(content, 0, content.len - 1);

    const char *problem = content_problem(content);
    if (problem) {
        load_fail(v->load, v->line, v->path, "the file %s %s", path, problem);
        return false;
    }
    const char *z = arena_strz(v->load->arena, content);
    CHECK(z != NULL);
    v->text = span_of(z, content.len);
    return true;
}

bool secret_file_read(struct value *v)
{
    const char *path = load_absolute(v->load, v->text);
    struct stat st;
    /* A pipe or a device would be waited for. */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        load_fail(v->load, v->line, v->path, "%s is not a regular file", path);
        return false;
    }

    char *data = NULL;
    size_t len = 0;
    enum err err = file_read(path, SECRET_MAX, &data, &len);
    if (err == ERR_FULL) {
        load_fail(v->load, v->line, v->path, "the file %s is larger than 8192 bytes", path);
        return false;
    }
    if (err != ERR_OK) {
        load_fail(v->load, v->line, v->path, "the file %s cannot be read: %s", path,
                  log_errno_text(errno));
        return false;
    }
    bool ok = take_content(v, path, span_of(data, len));
    mem_wipe(data, len);
    mem_free(data);
    return ok;
}
