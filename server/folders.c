#include "server/folders.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

enum err folder_make_parent(const char *path, mode_t mode, char **why)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return ERR_OK;
    char *folder = mem_strndup(path, (size_t)(slash - path));
    enum err e = ERR_OK;
    if (mkdir(folder, mode) != 0 && errno != EEXIST) {
        *why = mem_printf("cannot make the folder %s: %s", folder, strerror(errno));
        e = ERR_IO;
    }
    mem_free(folder);
    return e;
}

enum err folder_prepare_state(const char *path, char **why)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        *why = mem_printf("cannot make the state folder %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    if (access(path, R_OK | W_OK | X_OK) == 0)
        return ERR_OK;
    *why = mem_printf(
        "the state folder %s cannot be written: %s; it holds the sessions, the CA and "
        "the admin token",
        path, strerror(errno));
    return ERR_IO;
}

static enum err give_away(const char *const *owned, const struct passwd *to, char **why)
{
    for (; *owned; owned++) {
        if (lchown(*owned, to->pw_uid, to->pw_gid) == 0)
            continue;
        *why = mem_printf("cannot give %s to the user %s: %s", *owned, to->pw_name,
                          strerror(errno));
        return ERR_DENIED;
    }
    return ERR_OK;
}

enum err privileges_drop(const char *user, const char *const *owned, char **why)
{
    if (!user)
        return ERR_OK;
    struct passwd *to = getpwnam(user);
    if (!to) {
        *why = mem_printf("there is no user %s to become (key `user`)", user);
        return ERR_NOT_FOUND;
    }
    if (geteuid() == to->pw_uid)
        return ERR_OK;
    if (geteuid() != 0) {
        *why = mem_printf("only root can become the user %s (key `user`)", user);
        return ERR_DENIED;
    }
    TRY(give_away(owned, to, why));
    if (initgroups(user, to->pw_gid) == 0 && setgid(to->pw_gid) == 0 && setuid(to->pw_uid) == 0)
        return ERR_OK;
    *why = mem_printf("cannot become the user %s: %s", user, strerror(errno));
    return ERR_DENIED;
}
