/* KEY_file: a secret in a file of its own. */
#pragma once

#include "config/values.h"

/* Replaces V's text, the file's path, by the file's content without the final newline. False and an
 * error when it cannot be read. */
bool secret_file_read(struct value *v);
