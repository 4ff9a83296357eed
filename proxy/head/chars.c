#include "proxy/head/chars.h"

#define SELF(c) [c] = (c)
#define LETTER(lower) [lower] = (lower), [(lower) - ('a' - 'A')] = (lower)

const unsigned char chars_token[256] = {
    SELF('!'),   SELF('#'),   SELF('$'),   SELF('%'),   SELF('&'),   SELF('\''),  SELF('*'),
    SELF('+'),   SELF('-'),   SELF('.'),   SELF('^'),   SELF('_'),   SELF('`'),   SELF('|'),
    SELF('~'),   SELF('0'),   SELF('1'),   SELF('2'),   SELF('3'),   SELF('4'),   SELF('5'),
    SELF('6'),   SELF('7'),   SELF('8'),   SELF('9'),   LETTER('a'), LETTER('b'), LETTER('c'),
    LETTER('d'), LETTER('e'), LETTER('f'), LETTER('g'), LETTER('h'), LETTER('i'), LETTER('j'),
    LETTER('k'), LETTER('l'), LETTER('m'), LETTER('n'), LETTER('o'), LETTER('p'), LETTER('q'),
    LETTER('r'), LETTER('s'), LETTER('t'), LETTER('u'), LETTER('v'), LETTER('w'), LETTER('x'),
    LETTER('y'), LETTER('z'),
};
