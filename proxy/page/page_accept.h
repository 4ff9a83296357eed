/* Which form an error answer takes: proactive negotiation by `accept`. RFC 9110 12.5.1. Pure. */
#pragma once

#include "core/span.h"

enum page_form { PAGE_TEXT, PAGE_HTML, PAGE_JSON };

/* The form ACCEPT (may be empty) likes best: by quality, then by how exactly it is named, then by what
 * stands first. HTML and JSON are for those who ask for them; a mere wildcard, or nothing that we
 * have, gives text. */
enum page_form page_form_of(struct span accept);
