#include "cli/folders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *folder_named(struct arena *arena, const char *base, const char *elsewhere,
                         char *(*env)(const char *name))
{
    const char *folder = env(base);
    const char *below = "";
    if (!folder || folder[0] != '/') {
        folder = env("HOME");
        below = elsewhere;
    }
    if (!folder || folder[0] != '/')
        return NULL;
    struct span path = arena_printf(arena, "%s%s/linkup", folder, below);
    return path.p;
}

bool folder_make(const char *folder, struct arena *arena)
{
    char *path = arena_strz(arena, span_str(folder));
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static enum exit_code make_it(struct cli *c, const char *folder, bool make)
{
    if (!make || folder_make(folder, &c->arena))
        return EXIT_DONE;
    cli_complain(c, "cannot make the folder %s: %s", folder, strerror(errno));
    return EXIT_INPUT;
}

enum exit_code folder_state(struct cli *c, const char *file, bool make, const char **path)
{
    const char *folder = folder_named(&c->arena, "XDG_STATE_HOME", "/.local/state", getenv);
    *path = folder ? cli_text(c, "%s/%s", folder, file) : NULL;
    if (!folder && make) {
        cli_complain(c, "nowhere to keep what runs here: neither XDG_STATE_HOME nor HOME is set");
        return EXIT_INPUT;
    }
    return folder ? make_it(c, folder, make) : EXIT_DONE;
}

/* A folder that somebody else made could lead us to somebody else's agent. */
static bool is_ours(const char *folder)
{
    struct stat st;
    return stat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

enum exit_code folder_runtime(struct cli *c, const char *file, bool make, const char **path)
{
    const char *base = getenv("XDG_RUNTIME_DIR");
    if (!base || base[0] != '/' || !is_ours(base))
        return folder_state(c, file, make, path);
    const char *folder = cli_text(c, "%s/linkup", base);
    *path = cli_text(c, "%s/%s", folder, file);
    return make_it(c, folder, make);
}
