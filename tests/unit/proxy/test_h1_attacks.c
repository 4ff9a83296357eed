/* Requests that are malformed, or that two readers could read in two ways, and what each must be answered
 * with. Sources: RFC 9112 and RFC 9110, the HTTP desync research of 2019 to 2024 (CL.TE, TE.CL, TE.TE,
 * CL.0, TE.0, h2c upgrades, chunk extensions), and the regression tests of known servers. */
#include "unit/proxy/h1_bed.h"

struct attack {
    const char *what;
    struct span in;
    int status; /* 0: taken */
};

#define H "Host: a.example\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n" H
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define IS(status, what, bytes)                                                                    \
    {                                                                                              \
        what, {bytes, sizeof(bytes) - 1}, status                                                   \
    }

static const struct attack start_lines[] = {
    IS(0, "a plain request", GET H "\r\n"),
    IS(0, "empty lines before it", "\r\n\r\n" GET H "\r\n"),
    IS(400, "LF before it", "\n" GET H "\r\n"),
    IS(400, "CR before it", "\r" GET H "\r\n"),
    IS(400, "a space before it", " " GET H "\r\n"),
    IS(400, "a tab before it", "\t" GET H "\r\n"),
    IS(400, "a NUL before it", "\0" GET H "\r\n"),
    IS(400, "a byte order mark", "\xef\xbb\xbf" GET H "\r\n"),
    IS(400, "a TLS client hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    IS(400, "no version", "GET /\r\n" H "\r\n"),
    IS(400, "HTTP/0.9", "GET / HTTP/0.9\r\n" H "\r\n"),
    IS(400, "no target", "GET HTTP/1.1\r\n" H "\r\n"),
    IS(400, "an empty target", "GET  HTTP/1.1\r\n" H "\r\n"),
    IS(400, "two spaces before the target", "GET  / HTTP/1.1\r\n" H "\r\n"),
    IS(400, "two spaces before the version", "GET /  HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a tab as separator", "GET\t/\tHTTP/1.1\r\n" H "\r\n"),
    IS(400, "a tab after the target", "GET /\tHTTP/1.1\r\n" H "\r\n"),
    IS(400, "a space after the version", "GET / HTTP/1.1 \r\n" H "\r\n"),
    IS(400, "something after the version", "GET / HTTP/1.1 x\r\n" H "\r\n"),
    IS(400, "a vertical tab as separator", "GET /\x0bHTTP/1.1\r\n" H "\r\n"),
    IS(400, "a space within the target", "GET /a b HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a second request in the target", "GET / HTTP/1.1\rGET /x HTTP/1.1\r\n" H "\r\n"),
    IS(400, "lower-case http", "GET / http/1.1\r\n" H "\r\n"),
    IS(400, "mixed-case HTTP", "GET / HtTP/1.1\r\n" H "\r\n"),
    IS(400, "HTTP/1", "GET / HTTP/1\r\n" H "\r\n"),
    IS(400, "HTTP/1.", "GET / HTTP/1.\r\n" H "\r\n"),
    IS(400, "HTTP/1.10", "GET / HTTP/1.10\r\n" H "\r\n"),
    IS(400, "HTTP/01.1", "GET / HTTP/01.1\r\n" H "\r\n"),
    IS(400, "HTTP/+1.1", "GET / HTTP/+1.1\r\n" H "\r\n"),
    IS(400, "HTTP 1.1", "GET / HTTP 1.1\r\n" H "\r\n"),
    IS(400, "HTTP/1,1", "GET / HTTP/1,1\r\n" H "\r\n"),
    IS(400, "another protocol", "GET / ICAP/1.0\r\n" H "\r\n"),
    IS(505, "HTTP/1.2", "GET / HTTP/1.2\r\n" H "\r\n"),
    IS(505, "HTTP/1.9", "GET / HTTP/1.9\r\n" H "\r\n"),
    IS(505, "HTTP/2.0", "GET / HTTP/2.0\r\n" H "\r\n"),
    IS(505, "HTTP/3.0", "GET / HTTP/3.0\r\n" H "\r\n"),
    IS(505, "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    IS(400, "a method with a colon", "GET: / HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a method in brackets", "[GET] / HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a method beyond ASCII", "G\xc3\x8bT / HTTP/1.1\r\n" H "\r\n"),
    IS(400, "no method", "/ HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a field in the place of the start line", H GET "\r\n"),
    IS(0, "an unknown method", "PROPFIND / HTTP/1.1\r\n" H "\r\n"),
    IS(0, "a method in lower case is another method", "get / HTTP/1.1\r\n" H "\r\n"),
    IS(501, "a method that nobody has",
       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" H "\r\n"),
    IS(501, "CONNECT", "CONNECT a.example:443 HTTP/1.1\r\n" H "\r\n"),
    IS(501, "CONNECT with a path", "CONNECT / HTTP/1.1\r\n" H "\r\n"),
    IS(400, "TRACE with content", "TRACE / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx"),
};

static const struct attack targets[] = {
    IS(400, "a control character", "GET /\x01 HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a NUL", "GET /\0 HTTP/1.1\r\n" H "\r\n"),
    IS(400, "DEL", "GET /\x7f HTTP/1.1\r\n" H "\r\n"),
    IS(400, "UTF-8 that is not encoded", "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a byte above ASCII", "GET /\xff HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a no-break space", "GET /\xa0HTTP/1.1 HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a fragment", "GET /#x HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a bare word", "GET index.html HTTP/1.1\r\n" H "\r\n"),
    IS(400, "a query alone", "GET ?x HTTP/1.1\r\n" H "\r\n"),
    IS(400, "asterisk-form with GET", "GET * HTTP/1.1\r\n" H "\r\n"),
    IS(400, "asterisk-form and more", "OPTIONS *x HTTP/1.1\r\n" H "\r\n"),
    IS(0, "asterisk-form with OPTIONS", "OPTIONS * HTTP/1.1\r\n" H "\r\n"),
    IS(400, "authority-form with GET", "GET a.example:443 HTTP/1.1\r\n" H "\r\n"),
    IS(400, "another scheme", "GET ftp://a.example/ HTTP/1.1\r\n" H "\r\n"),
    IS(400, "file:", "GET file:///etc/passwd HTTP/1.1\r\n" H "\r\n"),
    IS(400, "absolute-form without a host", "GET http:///x HTTP/1.1\r\n" H "\r\n"),
    IS(400, "absolute-form without anything", "GET http:// HTTP/1.1\r\n" H "\r\n"),
    IS(400, "absolute-form with user info", "GET http://u:p@a.example/ HTTP/1.1\r\n" H "\r\n"),
    IS(400, "absolute-form with a comma", "GET http://a.example,b.example/ HTTP/1.1\r\n" H "\r\n"),
    IS(400, "absolute-form with a backslash", "GET http://a.example\\b/ HTTP/1.1\r\n" H "\r\n"),
    IS(400, "absolute-form, no Host", "GET http://a.example/ HTTP/1.1\r\n\r\n"),
    IS(0, "absolute-form", "GET http://b.example/x HTTP/1.1\r\n" H "\r\n"),
    IS(0, "percent-encoded controls stay encoded", "GET /%0d%0aX:%20y HTTP/1.1\r\n" H "\r\n"),
    IS(0, "what browsers leave as it is", "GET /a|b^c{d}?e=[f]\"<g>` HTTP/1.1\r\n" H "\r\n"),
};

static const struct attack hosts[] = {
    IS(400, "no Host", GET "\r\n"),
    IS(400, "two equal Hosts", GET H H "\r\n"),
    IS(400, "two Hosts that differ", GET H "Host: b.example\r\n\r\n"),
    IS(400, "two Hosts, one empty", GET "Host:\r\n" H "\r\n"),
    IS(400, "two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\n" H H "\r\n"),
    IS(400, "two Hosts in one line", GET "Host: a.example, b.example\r\n\r\n"),
    IS(400, "two Hosts by a space", GET "Host: a.example b.example\r\n\r\n"),
    IS(400, "a path in Host", GET "Host: a.example/x\r\n\r\n"),
    IS(400, "a query in Host", GET "Host: a.example?x\r\n\r\n"),
    IS(400, "a fragment in Host", GET "Host: a.example#x\r\n\r\n"),
    IS(400, "a scheme in Host", GET "Host: http://a.example\r\n\r\n"),
    IS(400, "user info in Host", GET "Host: u@a.example\r\n\r\n"),
    IS(400, "a backslash in Host", GET "Host: a.example\\x\r\n\r\n"),
    IS(400, "quotes in Host", GET "Host: \"a.example\"\r\n\r\n"),
    IS(400, "markup in Host", GET "Host: <script>\r\n\r\n"),
    IS(400, "a tab in Host", GET "Host: a\texample\r\n\r\n"),
    IS(400, "UTF-8 in Host", GET "Host: \xc3\xa9.example\r\n\r\n"),
    IS(400, "Host in a folded line", GET "Host: a.example\r\n b\r\n\r\n"),
    IS(400, "Host with a space before its colon", GET "Host : a.example\r\n\r\n"),
    IS(400, "Host after white space", GET " Host: a.example\r\n\r\n"),
    IS(0, "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n"),
    IS(0, "a port", GET "Host: a.example:8443\r\n\r\n"),
    IS(0, "IPv6", GET "Host: [::1]:8443\r\n\r\n"),
};

static const struct attack fields[] = {
    IS(400, "LF ends a line", GET H "A: b\n\r\n"),
    IS(400, "LF ends the start line", "GET / HTTP/1.1\n" H "\r\n"),
    IS(400, "LF ends all lines", "GET / HTTP/1.1\nHost: a.example\n\n"),
    IS(400, "LF as the empty line", GET H "\n"),
    IS(400, "CR ends a line", GET H "A: b\rC: d\r\n\r\n"),
    IS(400, "CR CR LF", GET H "A: b\r\r\n\r\n"),
    IS(400, "LF CR LF", GET H "A: b\n\r\n\r\n"),
    IS(400, "CR within a value", GET H "A: b\rc\r\n\r\n"),
    IS(400, "CR at the start of a value", GET H "A:\rb\r\n\r\n"),
    IS(400, "NUL within a value", GET H "A: b\0c\r\n\r\n"),
    IS(400, "NUL within a name", GET H "A\0: b\r\n\r\n"),
    IS(400, "a vertical tab within a value", GET H "A: b\x0b\r\n\r\n"),
    IS(400, "a form feed within a value", GET H "A: b\x0c\r\n\r\n"),
    IS(400, "a backspace within a value", GET H "A: b\x08\r\n\r\n"),
    IS(400, "an escape sequence within a value", GET H "A: \x1b[31m\r\n\r\n"),
    IS(400, "DEL within a value", GET H "A: b\x7f\r\n\r\n"),
    IS(400, "a folded line", GET H "A: b\r\n c\r\n\r\n"),
    IS(400, "a folded line by tab", GET H "A: b\r\n\tc\r\n\r\n"),
    IS(400, "a folded empty line", GET H "A: b\r\n \r\n\r\n"),
    IS(400, "a folded framing field", POST "Content-Length:\r\n 5\r\n\r\nhello"),
    IS(400, "a folded coding", POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "a space before the colon", GET H "A : b\r\n\r\n"),
    IS(400, "a tab before the colon", GET H "A\t: b\r\n\r\n"),
    IS(400, "white space before the first field", GET " A: b\r\n" H "\r\n"),
    IS(400, "a line of white space first", GET " \r\n" H "\r\n"),
    IS(400, "no colon", GET H "A\r\n\r\n"),
    IS(400, "no name", GET H ": b\r\n\r\n"),
    IS(400, "nothing but a colon", GET H ":\r\n\r\n"),
    IS(400, "a pseudo field of HTTP/2", GET H ":path: /x\r\n\r\n"),
    IS(400, "a space within a name", GET H "A B: c\r\n\r\n"),
    IS(400, "brackets within a name", GET H "A(b): c\r\n\r\n"),
    IS(400, "a slash within a name", GET H "A/b: c\r\n\r\n"),
    IS(400, "a comma within a name", GET H "A,b: c\r\n\r\n"),
    IS(400, "an equals sign within a name", GET H "A=b: c\r\n\r\n"),
    IS(400, "an at sign within a name", GET H "A@b: c\r\n\r\n"),
    IS(400, "quotes around a name", GET H "\"A\": c\r\n\r\n"),
    IS(400, "braces around a name", GET H "{A}: c\r\n\r\n"),
    IS(400, "a backslash within a name", GET H "A\\b: c\r\n\r\n"),
    IS(400, "a semicolon within a name", GET H "A;b: c\r\n\r\n"),
    IS(400, "a question mark within a name", GET H "A?b: c\r\n\r\n"),
    IS(400, "obs-text within a name", GET H "A\xc3\xa9: c\r\n\r\n"),
    IS(400, "a soft hyphen within a name", GET H "Content\xadLength: 5\r\n\r\n"),
    IS(400, "a no-break space after a name", GET H "A\xa0: c\r\n\r\n"),
    IS(417, "another expectation", POST "Content-Length: 1\r\nExpect: x\r\n\r\na"),
    IS(417, "an expectation beside the known one",
       POST "Content-Length: 1\r\nExpect: 100-continue, x\r\n\r\na"),
    IS(0, "an empty value", GET H "A:\r\n\r\n"),
    IS(0, "white space around a value", GET H "A: \t b \t\r\n\r\n"),
    IS(0, "obs-text within a value", GET H "A: \xc3\xa9\r\n\r\n"),
    IS(0, "every character of a token", GET H "!#$%&'*+-.^_`|~09azAZ: b\r\n\r\n"),
};

static const struct attack lengths[] = {
    IS(0, "a length", POST "Content-Length: 5\r\n\r\nhello"),
    IS(0, "no bytes", POST "Content-Length: 0\r\n\r\n"),
    IS(400, "an empty length", POST "Content-Length:\r\n\r\n"),
    IS(400, "a sign", POST "Content-Length: +5\r\n\r\nhello"),
    IS(400, "a negative length", POST "Content-Length: -5\r\n\r\nhello"),
    IS(400, "minus nothing", POST "Content-Length: -0\r\n\r\n"),
    IS(400, "a fraction", POST "Content-Length: 5.0\r\n\r\nhello"),
    IS(400, "an exponent", POST "Content-Length: 5e0\r\n\r\nhello"),
    IS(400, "hexadecimal", POST "Content-Length: 0x5\r\n\r\nhello"),
    IS(400, "a letter behind", POST "Content-Length: 5a\r\n\r\nhello"),
    IS(400, "digits apart", POST "Content-Length: 5 5\r\n\r\nhello"),
    IS(400, "digits apart by an underscore", POST "Content-Length: 1_0\r\n\r\nhello"),
    IS(400, "quotes", POST "Content-Length: \"5\"\r\n\r\nhello"),
    IS(400, "a list of equals", POST "Content-Length: 5, 5\r\n\r\nhello"),
    IS(400, "a list that differs", POST "Content-Length: 5, 6\r\n\r\nhello"),
    IS(400, "a list with nothing", POST "Content-Length: 5,\r\n\r\nhello"),
    IS(400, "a list after nothing", POST "Content-Length: ,5\r\n\r\nhello"),
    IS(400, "two equal lines", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    IS(400, "two lines that differ", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    IS(400, "two lines, one empty", POST "Content-Length: 5\r\nContent-Length:\r\n\r\nhello"),
    IS(400, "two lines in two cases", POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello"),
    IS(400, "2^64", POST "Content-Length: 18446744073709551616\r\n\r\n"),
    IS(400, "2^64 + 5", POST "Content-Length: 18446744073709551621\r\n\r\nhello"),
    IS(400, "much more", POST "Content-Length: 99999999999999999999999999999999\r\n\r\n"),
    IS(400, "digits of another script", POST "Content-Length: \xd9\xa5\r\n\r\nhello"),
    IS(400, "a superscript digit", POST "Content-Length: \xb2\r\n\r\nhe"),
    IS(400, "a vertical tab before it",
       POST "Content-Length: \x0b"
            "5\r\n\r\nhello"),
    IS(400, "a space before the colon", POST "Content-Length : 5\r\n\r\nhello"),
    IS(400, "a tab before the colon", POST "Content-Length\t: 5\r\n\r\nhello"),
    IS(400, "a parameter", POST "Content-Length: 5;x=y\r\n\r\nhello"),
    IS(0, "GET with a body", GET H "Content-Length: 5\r\n\r\nhello"),
    IS(0, "leading zeroes", POST "Content-Length: 0005\r\n\r\nhello"),
};

static const struct attack codings[] = {
    IS(400, "CL.TE", POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
    IS(400, "TE.CL",
       POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGET\r\n0\r\n\r\n"),
    IS(400, "CL.TE with length 0",
       POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "CL.TE with an unknown coding",
       POST "Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\nhello"),
    IS(400, "a broken length beside it",
       POST "Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n"),
    IS(501, "TE.TE: another coding", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    IS(501, "TE.TE: chunkedx", POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"),
    IS(501, "identity", POST "Transfer-Encoding: identity\r\n\r\nhello"),
    IS(501, "gzip", POST "Transfer-Encoding: gzip\r\n\r\nhello"),
    IS(501, "gzip, then chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    IS(501, "gzip, then chunked, in two lines",
       POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(501, "identity, then chunked", POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked, then identity", POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked, then gzip", POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked, then another, in two lines",
       POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked twice, in two lines",
       POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "nothing", POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"),
    IS(400, "a comma", POST "Transfer-Encoding: ,\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked and nothing", POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"),
    IS(400, "nothing and chunked", POST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked with a parameter", POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked with a semicolon", POST "Transfer-Encoding: chunked;\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked in quotes", POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    IS(400, "chunked and a word", POST "Transfer-Encoding: chunked x\r\n\r\n0\r\n\r\n"),
    IS(400, "a vertical tab before chunked",
       POST "Transfer-Encoding: \x0b"
            "chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "a form feed after chunked", POST "Transfer-Encoding: chunked\x0c\r\n\r\n0\r\n\r\n"),
    IS(400, "a NUL after chunked", POST "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n"),
    IS(400, "a CR after chunked", POST "Transfer-Encoding: chunked\r\r\n\r\n0\r\n\r\n"),
    IS(400, "a no-break space after chunked",
       POST "Transfer-Encoding: chunked\xa0\r\n\r\n0\r\n\r\n"),
    IS(400, "a space before the colon", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "a tab before the colon", POST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "white space before the name", POST " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "hidden behind a bare LF", POST "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "hidden behind a bare CR", POST "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "in HTTP/1.0", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "in HTTP/1.0 with a length",
       "POST / HTTP/1.0\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(400, "TRACE in chunks",
       "TRACE / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    IS(0, "chunked", CHUNKED "0\r\n\r\n"),
    IS(0, "chunked in another case", POST "tRANSFER-eNCODING: CHUNKED\r\n\r\n0\r\n\r\n"),
    IS(0, "chunked after white space", POST "Transfer-Encoding: \t chunked \t\r\n\r\n0\r\n\r\n"),
    IS(0, "GET in chunks", GET H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
};

static const struct attack chunks[] = {
    IS(400, "no size", CHUNKED "\r\n0\r\n\r\n"),
    IS(400, "an extension without a size", CHUNKED ";a\r\n0\r\n\r\n"),
    IS(400, "0x", CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"),
    IS(400, "a sign", CHUNKED "+5\r\nhello\r\n0\r\n\r\n"),
    IS(400, "a negative size", CHUNKED "-5\r\nhello\r\n0\r\n\r\n"),
    IS(400, "white space before the size", CHUNKED " 5\r\nhello\r\n0\r\n\r\n"),
    IS(400, "white space after the size", CHUNKED "5 \r\nhello\r\n0\r\n\r\n"),
    IS(400, "a tab after the size", CHUNKED "5\t\r\nhello\r\n0\r\n\r\n"),
    IS(400, "white space before an extension", CHUNKED "5 ;a\r\nhello\r\n0\r\n\r\n"),
    IS(400, "an underscore", CHUNKED "1_0\r\nhello\r\n0\r\n\r\n"),
    IS(400, "no hexadecimal digit", CHUNKED "g\r\nhello\r\n0\r\n\r\n"),
    IS(400, "2^64", CHUNKED "10000000000000000\r\nhello\r\n0\r\n\r\n"),
    IS(400, "2^64 + 5", CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    IS(400, "zeroes without end", CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n"),
    IS(400, "LF after the size", CHUNKED "5\nhello\r\n0\r\n\r\n"),
    IS(400, "CR after the size", CHUNKED "5\rhello\r\n0\r\n\r\n"),
    IS(400, "CR CR LF after the size", CHUNKED "5\r\r\nhello\r\n0\r\n\r\n"),
    IS(400, "a NUL after the size", CHUNKED "5\0\r\nhello\r\n0\r\n\r\n"),
    IS(400, "LF after the data", CHUNKED "5\r\nhello\n0\r\n\r\n"),
    IS(400, "CR after the data", CHUNKED "5\r\nhello\r0\r\n\r\n"),
    IS(400, "nothing after the data", CHUNKED "5\r\nhello0\r\n\r\n"),
    IS(400, "more data than said", CHUNKED "4\r\nhello\r\n0\r\n\r\n"),
    IS(400, "less data than said", CHUNKED "6\r\nhello\r\n0\r\n\r\n"),
    IS(400, "two characters in the place of CR LF", CHUNKED "5\r\nhelloXX0\r\n\r\n"),
    IS(400, "LF within an extension", CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n"),
    IS(400, "LF ends an extension", CHUNKED "5;a\nhello\r\n0\r\n\r\n"),
    IS(400, "CR within an extension", CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    IS(400, "NUL within an extension", CHUNKED "5;a\0\r\nhello\r\n0\r\n\r\n"),
    IS(400, "LF after the last chunk", CHUNKED "0\n\r\n"),
    IS(400, "LF as the last line", CHUNKED "0\r\n\n"),
    IS(400, "LF as the last two line ends", CHUNKED "0\n\n"),
    IS(400, "no name in a trailer", CHUNKED "0\r\n: b\r\n\r\n"),
    IS(400, "no colon in a trailer", CHUNKED "0\r\nA\r\n\r\n"),
    IS(400, "white space before the colon of a trailer", CHUNKED "0\r\nA : b\r\n\r\n"),
    IS(400, "a folded trailer", CHUNKED "0\r\nA: b\r\n c\r\n\r\n"),
    IS(400, "a trailer that begins with white space", CHUNKED "0\r\n A: b\r\n\r\n"),
    IS(400, "LF ends a trailer", CHUNKED "0\r\nA: b\n\r\n"),
    IS(400, "CR within a trailer", CHUNKED "0\r\nA: b\rc\r\n\r\n"),
    IS(400, "NUL within a trailer", CHUNKED "0\r\nA: b\0c\r\n\r\n"),
    IS(400, "a request in the place of a trailer", CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n"),
    IS(0, "a chunk", CHUNKED "5\r\nhello\r\n0\r\n\r\n"),
    IS(0, "16 digits", CHUNKED "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n"),
    IS(0, "either case", CHUNKED "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
    IS(0, "extensions", CHUNKED "5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n"),
    IS(0, "trailers", CHUNKED "0\r\nA: b\r\nC: d\r\n\r\n"),
    IS(BED_INCOMPLETE, "the largest chunk", CHUNKED "ffffffffffffffff\r\nhello"),
    IS(BED_INCOMPLETE, "no end", CHUNKED "5\r\nhello\r\n0\r\n"),
};

static const struct attack connections[] = {
    IS(0, "close and keep-alive", GET H "Connection: close, keep-alive\r\n\r\n"),
    IS(0, "h2c smuggling is passed on without its upgrade",
       GET H
       "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
    IS(0, "an upgrade that connection does not name", GET H "Upgrade: websocket\r\n\r\n"),
    IS(0, "an upgrade with content",
       POST "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx"),
    IS(0, "an upgrade in HTTP/1.0",
       "GET / HTTP/1.0\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
};

static void judge(const struct attack *a, size_t step)
{
    struct h1_bed b;
    bed_init(&b);
    /* In memory of its own size, so that the sanitizer sees a look beyond the end. */
    char *copy = malloc(a->in.len);
    memcpy(copy, a->in.p, a->in.len);
    int got = bed_read(&b, span_of(copy, a->in.len), step);
    if (got != a->status)
        fail_msg("%s (%zu bytes at a time): %d instead of %d%s%s", a->what, step, got, a->status,
                 b.fault.text ? ": " : "", b.fault.text ? b.fault.text : "");
    if (got == 0)
        assert_int_equal((int)b.head.upgrade.len, 0);
    free(copy);
    bed_deinit(&b);
}

static size_t judged;

static void judge_all(const struct attack *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        judge(&v[i], v[i].in.len);
        judge(&v[i], 1);
        judge(&v[i], 3);
    }
    judged += n;
}

#define JUDGE(table)                                                                               \
    static void test_##table(void **state)                                                         \
    {                                                                                              \
        judge_all(table, sizeof table / sizeof table[0]);                                          \
    }

JUDGE(start_lines)
JUDGE(targets)
JUDGE(hosts)
JUDGE(fields)
JUDGE(lengths)
JUDGE(codings)
JUDGE(chunks)
JUDGE(connections)

static void test_there_are_enough(void **state)
{
    assert_true(judged >= 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_lines),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_there_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
