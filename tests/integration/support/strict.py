"""A second reader of what the edge sends to a backend: it takes nothing that could be read in two ways.
What it cannot read, the edge should not have written."""

import re

LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!\"$-~]+) HTTP/1\.1")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9a-z-]+): ([\x21-\x7e\x80-\xff](?:[\t -~\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
# Fields of one hop, which the edge must not pass on, and spellings that some take for them.
HOPS = {b"keep-alive", b"proxy-connection", b"http2-settings", b"content_length", b"transfer_encoding",
        b"x_forwarded_for", b"x_forwarded_host", b"proxy"}


class Unclean(AssertionError):
    pass


def _need(good, what):
    if not good:
        raise Unclean(what)


class Wire:
    """Reads requests from bytes as they come. `whole`: (method, target, body, trailers) of each that has
    ended; `rest`: what is left, a request that has begun."""

    def __init__(self):
        self.whole, self.rest = [], b""

    def feed(self, data):
        self.rest += data
        while self.rest and (found := self._one(self.rest)):
            request, used = found
            self.whole.append(request)
            self.rest = self.rest[used:]

    @staticmethod
    def _fields(lines, what):
        fields = []
        for line in lines:
            m = FIELD.fullmatch(line)
            _need(m, f"{what}: {line!r}")
            fields.append((m[1], m[2] or b""))
        return fields

    def _one(self, data):
        end = data.find(b"\r\n\r\n")
        if end < 0:
            # Not whole: but no line of it may be bare.
            _need(b"\n" not in data.replace(b"\r\n", b""), f"a bare LF: {data!r}")
            return None
        first, *lines = data[:end].split(b"\r\n")
        m = LINE.fullmatch(first)
        _need(m, f"request line {first!r}")
        fields = self._fields(lines, "field")
        names = [n for n, _ in fields]
        _need(names.count(b"host") == 1, f"hosts in {data[:end]!r}")
        _need(not HOPS & set(names), f"{HOPS & set(names)} in {data[:end]!r}")
        values = dict(fields)
        framing = names.count(b"content-length") + names.count(b"transfer-encoding")
        _need(framing <= 1, f"framed {framing} times: {data[:end]!r}")
        # The options that the edge itself may say, and what they name.
        options = set(values.get(b"connection", b"").lower().split(b", ")) - {b""}
        _need(options <= {b"te", b"upgrade"}, f"connection: {options}")
        _need((b"te" in names) == (b"te" in options) and values.get(b"te", b"trailers") == b"trailers", "te")
        _need((b"upgrade" in names) == (b"upgrade" in options) and
              values.get(b"upgrade", b"websocket") == b"websocket", "upgrade")
        at = end + 4
        body, trailers = b"", []
        if b"content-length" in values:
            length = values[b"content-length"]
            _need(re.fullmatch(rb"0|[1-9][0-9]{0,19}", length), f"length {length!r}")
            body = data[at:at + int(length)]
            at += int(length)
            if at > len(data):
                return None
        elif b"transfer-encoding" in values:
            _need(values[b"transfer-encoding"] == b"chunked", f"coding {values[b'transfer-encoding']!r}")
            found = self._chunks(data, at)
            if not found:
                return None
            body, trailers, at = found
        return (m[1].decode(), m[2].decode(), body, trailers), at

    def _chunks(self, data, at):
        body = b""
        while True:
            end = data.find(b"\r\n", at)
            if end < 0:
                return None
            size = data[at:end]
            _need(re.fullmatch(rb"0|[1-9a-f][0-9a-f]{0,15}", size), f"chunk size {size!r}")
            at = end + 2
            if size == b"0":
                break
            n = int(size, 16)
            if len(data) < at + n + 2:
                return None
            _need(data[at + n:at + n + 2] == b"\r\n", f"behind a chunk: {data[at + n:at + n + 2]!r}")
            body += data[at:at + n]
            at += n + 2
        if data[at:at + 2] == b"\r\n":
            return body, [], at + 2
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            return None
        trailers = self._fields(data[at:end].split(b"\r\n"), "trailer")
        return body, [(n.decode(), v.decode("latin-1")) for n, v in trailers], end + 4
