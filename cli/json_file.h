/* A JSON document of ours in a file (0600), replaced whole. */
#pragma once

#include <jansson.h>

#include "core/err.h"

#define JSON_FILE_MAX ((size_t)4 << 20)

/* A new reference in *OUT. ERR_NOT_FOUND; ERR_CORRUPT: no JSON object, *LINE says where; ERR_IO. */
enum err json_file_read(const char *path, json_t **out, int *line) MUST_USE;
enum err json_file_write(const char *path, const json_t *j) MUST_USE;
