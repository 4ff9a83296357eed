/* The project file of a run: -c/--config, its twin LINKUP_CONFIG, else linkup.yaml (or linkup.yml) in the
 * working directory or above it. */
#pragma once

#include "cli/cli.h"
#include "config/project.h"

/* The nearest project file from FOLDER upward, in PATH; false where there is none. */
#define PROJECT_PATH_MAX 4096
bool project_look(const char *folder, char path[PROJECT_PATH_MAX]);

/* The file's real path, NULL: there is none, and none was named. One that was named need not be there. */
const char *project_file(struct cli *c);
/* Reads FILE into c->project. What it says of the edge becomes the hint of the settings. Says every error of
 * the file. */
enum exit_code project_use(struct cli *c, const char *file) MUST_USE;
/* Says that there is none, and what to do. */
enum exit_code project_missing(struct cli *c);
