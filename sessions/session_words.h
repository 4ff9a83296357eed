/* The words that names are made of: short, easy to say on the telephone, and kind. Each is 3 to 10 of
 * a-z, so that a pair with its suffix fits into a name. */
#pragma once

#include <stddef.h>

extern const char *const session_adjectives[];
extern const size_t session_adjectives_count;
extern const char *const session_animals[];
extern const size_t session_animals_count;
