#include "config/regex.h"

#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

uint32_t regex_options(void)
{
    return PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
}

enum err regex_check(struct span pattern, uint32_t *groups, char why[REGEX_WHY_MAX])
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    const char *text = pattern.len ? pattern.p : "";
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)text, pattern.len, regex_options(), &code, &offset,
                                   NULL);
    if (!re) {
        PCRE2_UCHAR message[120];
        pcre2_get_error_message(code, message, sizeof message);
        snprintf(why, REGEX_WHY_MAX, "%s at offset %zu", (const char *)message, offset);
        return ERR_SYNTAX;
    }
    if (groups)
        pcre2_pattern_info(re, PCRE2_INFO_CAPTURECOUNT, groups);
    pcre2_code_free(re);
    return ERR_OK;
}
