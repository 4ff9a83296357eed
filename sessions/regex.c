#include "sessions/regex.h"

#include <stdatomic.h>
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "config/regex.h"
#include "core/mem.h"

/* A pattern of 1 KiB can compile to megabytes ("(?:a{900}){70}"), one for each of a session's. */
#define COMPILED_MAX ((size_t)32 * 1024)
/* Backtracking steps for one match: well under a millisecond, and far beyond what a sane pattern
 * needs on a path. */
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB 4096
#define JIT_STACK_FIRST ((size_t)32 * 1024)
#define JIT_STACK_MAX ((size_t)256 * 1024)
#define GROUPS_MAX 99

struct regex {
    _Atomic unsigned refs;
    pcre2_code *code;
    uint32_t groups;
    char *pattern;
};

struct regex_scratch {
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

struct regex *regex_ref(struct regex *r)
{
    CHECK(atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed) > 0);
    return r;
}

void regex_unref(struct regex *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    pcre2_code_free(r->code);
    mem_free(r->pattern);
    mem_free(r);
}

static struct regex *wrap(pcre2_code *code, const char *pattern)
{
    struct regex *r = NEW(struct regex);
    atomic_init(&r->refs, 1);
    r->code = code;
    r->pattern = mem_strdup(pattern);
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
    /* Without JIT (no executable memory, an odd pattern) the interpreter matches, under the same
     * limits. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return r;
}

static size_t compiled_size(const pcre2_code *code)
{
    size_t size = 0;
    pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
    return size;
}

static enum err refuse(char why[128], size_t *why_at, size_t at, const char *text)
{
    snprintf(why, 128, "%s", text);
    *why_at = at;
    return ERR_SYNTAX;
}

enum err regex_new(const char *pattern, struct regex **out, char why[128], size_t *why_at)
{
    size_t len = strlen(pattern);
    if (len > REGEX_PATTERN_MAX)
        return refuse(why, why_at, REGEX_PATTERN_MAX, "it is longer than 1024 bytes");

    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, len, regex_options(), &code, &at, NULL);
    if (!re) {
        PCRE2_UCHAR message[128];
        pcre2_get_error_message(code, message, sizeof message);
        return refuse(why, why_at, at, (const char *)message);
    }
    if (compiled_size(re) > COMPILED_MAX) {
        pcre2_code_free(re);
        return refuse(why, why_at, 0, "it is too large when compiled");
    }
    *out = wrap(re, pattern);
    return ERR_OK;
}

struct regex *regex_new_trusted(const char *pattern)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, regex_options(),
                                   &code, &at, NULL);
    CHECK(re != NULL);
    return wrap(re, pattern);
}

const char *regex_pattern(const struct regex *r)
{
    return r->pattern;
}

struct regex_scratch *regex_scratch_new(void)
{
    struct regex_scratch *s = NEW(struct regex_scratch);
    s->match = pcre2_match_data_create(GROUPS_MAX + 1, NULL);
    s->context = pcre2_match_context_create(NULL);
    s->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
    CHECK(s->match && s->context);
    pcre2_set_match_limit(s->context, MATCH_LIMIT);
    pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
    if (s->stack)
        pcre2_jit_stack_assign(s->context, NULL, s->stack);
    return s;
}

void regex_scratch_free(struct regex_scratch *s)
{
    if (!s)
        return;
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    mem_free(s);
}

bool regex_matches(const struct regex *r, struct regex_scratch *s, struct span subject)
{
    const char *p = subject.p ? subject.p : "";
    return pcre2_match(r->code, (PCRE2_SPTR)p, subject.len, 0, 0, s->match, s->context) >= 0;
}

/* --- replacing --- */

static bool is_digit(struct span s, size_t at)
{
    return at < s.len && s.p[at] >= '0' && s.p[at] <= '9';
}

static uint32_t digit(struct span s, size_t at)
{
    return (uint32_t)(s.p[at] - '0');
}

/* "{n}" or "{nn}" at the start of S: how many bytes, 0 when it is something else. */
static size_t braced_group(struct span s, uint32_t *group)
{
    if (s.len < 3 || s.p[0] != '{' || !is_digit(s, 1))
        return 0;
    *group = digit(s, 1);
    if (s.p[2] == '}')
        return 3;
    if (!is_digit(s, 2) || s.len < 4 || s.p[3] != '}')
        return 0;
    *group = *group * 10 + digit(s, 2);
    return 4;
}

/* As above for "n" and "nn"; the second digit is taken only if there is such a group. */
static size_t plain_group(struct span s, uint32_t groups, uint32_t *group)
{
    if (!is_digit(s, 0))
        return 0;
    *group = digit(s, 0);
    if (*group == 0 || !is_digit(s, 1) || *group * 10 + digit(s, 1) > groups)
        return 1;
    *group = *group * 10 + digit(s, 1);
    return 2;
}

struct piece {
    struct span text;
    bool is_group;
    uint32_t group;
};

/* Takes the next literal text or group off the front of TARGET. */
static bool piece_next(struct span *target, uint32_t groups, struct piece *out)
{
    if (target->len == 0)
        return false;
    *out = (struct piece){.text = *target};
    if (target->p[0] != '$') {
        ptrdiff_t dollar = span_chr(*target, '$');
        if (dollar > 0)
            out->text = span_sub(*target, 0, (size_t)dollar);
        *target = span_from(*target, out->text.len);
        return true;
    }

    struct span after = span_from(*target, 1);
    size_t taken = braced_group(after, &out->group);
    if (taken == 0)
        taken = plain_group(after, groups, &out->group);
    out->is_group = taken > 0;
    if (taken == 0 && after.len > 0 && after.p[0] == '$')
        taken = 1; /* "$$" stands for the one dollar sign */
    out->text = span_sub(*target, 0, out->is_group ? 1 + taken : 1);
    *target = span_from(after, taken);
    return true;
}

static struct span piece_text(const struct piece *p, const struct regex *r,
                              const struct regex_scratch *s, struct span subject)
{
    if (!p->is_group || p->group > r->groups)
        return p->text;
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->match);
    PCRE2_SIZE from = v[2 * p->group], to = v[2 * p->group + 1];
    if (from == PCRE2_UNSET || from > to)
        return (struct span){"", 0};
    return span_sub(subject, from, to - from);
}

int regex_target_stray(struct span target, uint32_t groups)
{
    struct piece p;
    while (piece_next(&target, groups, &p))
        if (p.is_group && p.group > groups)
            return (int)p.group;
    return -1;
}

static char *put(char *at, struct span s)
{
    if (s.len > 0)
        memcpy(at, s.p, s.len);
    return at + s.len;
}

enum err regex_replace(const struct regex *r, struct regex_scratch *s, struct span subject,
                       struct span target, struct arena *arena, struct span *out)
{
    if (!regex_matches(r, s, subject))
        return ERR_NOT_FOUND;
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->match);
    if (v[0] > v[1]) /* \K in a lookahead */
        return ERR_NOT_FOUND;
    struct span before = span_sub(subject, 0, v[0]);
    struct span behind = span_from(subject, v[1]);

    struct piece piece;
    size_t len = before.len + behind.len;
    for (struct span rest = target; piece_next(&rest, r->groups, &piece);) {
        len += piece_text(&piece, r, s, subject).len;
        if (len > REGEX_RESULT_MAX)
            return ERR_FULL;
    }
    char *text = len <= REGEX_RESULT_MAX ? (char *)arena_alloc(arena, len ? len : 1) : NULL;
    if (!text)
        return ERR_FULL;

    char *at = put(text, before);
    for (struct span rest = target; piece_next(&rest, r->groups, &piece);)
        at = put(at, piece_text(&piece, r, s, subject));
    put(at, behind);
    *out = span_of(text, len);
    return ERR_OK;
}
