"""Beginnings of what servers of each kind say, for fuzzing: bytes that look now and then like the protocol that they are not."""

from collections.abc import Mapping, Sequence

from tests.rude.fed import Frame

HTTP = (
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"Content-Length: ", b"\r\n", b"12", b"-1", b": "),
    *(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b"Location: ", b";x=\xff", b"\x00"),
)
SMTP = (
    *(b"220 ", b"220-", b"250-", b"250 ", b"250-STARTTLS\r\n", b"250 AUTH PLAIN\r\n", b"235 ok\r\n", b"334 \r\n", b"421 bye\r\n"),
    *(b"354 go\r\n", b"221 bye\r\n", b"535 no\r\n", b"\xff", b"2", b"AUTH=", b"\r", b"\n", b"\r\n"),
)
IMAP = (
    *(b"* OK hi\r\n", b"* PREAUTH\r\n", b"* BYE\r\n", b"* ", b"\r\n", b"(", b"+ \r\n", b"{3}\r\n", b"{99999999999}\r\n", b"{4+}\r\n"),
    *(b"P0001 OK\r\n", b"P0002 OK\r\n", b"P0003 OK [X y] z\r\n", b"P0002 NO [UNAVAILABLE]\r\n", b"* SEARCH 1 2\r\n", b"* 3 EXISTS\r\n"),
    *(b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n", b'* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" BODY[] {2}\r\n\r\n)\r\n'),
)
JSON = (
    *(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n", b'{"status":', b'"success"', b"{", b"}", b"[", b"]", b":", b","),
    *(
        b'"data"',
        b'"result"',
        b'"value"',
        b'"components"',
        b'"page"',
        b'"events"',
        b'"eventDate"',
        b'"expiration"',
        b"null",
        b"-1",
        b"1e999",
    ),
    *(b'"2026-01-01T00:00:00Z"', b'"resultType":"vector"', b'"services":[[["net"],["http://127.0.0.1:9/"]]]', b'"\\ud800"', b"[" * 2000),
)
FRAMES: Mapping[str, Frame] = {
    "dns": lambda heard, said: heard[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0" + heard[12:] + said,
    "mail_posture": lambda heard, said: heard[:2] + b"\x81\x80\0\x01\0\x02\0\0\0\0" + heard[12:] + said,
    "ntp": lambda heard, said: (b"\x24" + said + bytes(47))[:24] + heard[40:48] + (said + bytes(16))[:16],
    "icmp": lambda heard, said: (b"\0" + said + heard[len(said) + 1 :])[: len(heard)],
    "udp": lambda heard, said: heard + said,
}
"""How an answer is made to fit its question, where it would else be passed over unread."""
WORDS: Mapping[str, Sequence[bytes]] = {
    "tcp": (b"hello\r\n", b"hell", b"\0", b"\r\n"),
    "tls": (*SMTP, *IMAP, b"+OK\r\n", b"234 go\r\n", b"S", b"N", b"\x16\x03\x03\0\x04",
        b"0\x0c\x02\x01\x01\x78\x07\n\x01\0\x04\0\x04\0"),
    "udp": (b"pong", b"", b"\0"),
    "http": HTTP,
    "websocket": (*HTTP, b"HTTP/1.1 101 Switching Protocols\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"Sec-WebSocket-Accept: "),
    "smtp": SMTP,
    "imap": IMAP,
    "pop3": (b"+OK\r\n", b"+OK <1.2@h>\r\n", b"-ERR [AUTH] no\r\n", b"STLS\r\n", b"SASL PLAIN\r\n", b"USER\r\n", b".\r\n",
        b"+OK 3 400\r\n", b"+ \r\n"),
    "mail_roundtrip": (*SMTP, *IMAP),
    "mail_posture": (b"\x81\x80", b"\xc0\x0c\0\x10\0\x01\0\0\0\x01\0\x05\x04v=sp", b"\0\x01", b"\x07example\x03net\0"),
    "dns": (b"\x81\x80", b"\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04\x7f\0\0\x01", b"\0\x01", b"\x07example\x03net\0"),
    "icmp": (b"\0", b"\0\0", b"\x03", b"\x0b"),
    "ntp": (b"\x24\x01\x06\xec" + bytes(44), b"\x1c\x02", b"\x01", b"DENY", bytes(8)),
    "domain": JSON,
    "prometheus": JSON,
    "statuspage": JSON,
    "webmail": (*HTTP, b"HTTP/1.1 200 OK\r\n\r\n", b"<form action='/x' method=post>", b"<input name=_user>",
        b"<input type=password name=_pass>", b"</form>", b"<table id=messagelist>"),
    "postgresql": (b"N", b"S", b"R\0\0\0\x08\0\0\0\0", b"R\0\0\0\x0c\0\0\0\x05abcd", b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0",
        b"Z\0\0\0\x05I", b"E\0\0\0\x0bC42601\0\0"),
    "mysql": (b"\x4a\0\0\0\x0a8.0.36\0", b"\x07\0\0\x02\0\0\0\x02\0\0\0", b"\xff\x15\x04#28000no", b"\x01\0\0\x01", bytes(30),
        b"caching_sha2_password\0"),
    "redis": (b"+PONG\r\n", b"+OK\r\n", b"-NOAUTH x\r\n", b"-WRONGPASS x\r\n", b"$-1\r\n", b"$3\r\nabc\r\n", b"*2\r\n", b":1\r\n",
        b"$99999999\r\n", b"%1\r\n"),
    "ssh": (b"SSH-2.0-x\r\n", b"SSH-1.99-y\r\n", b"\0\0\x01\x0c\x0a\x14", bytes(16), b"curve25519-sha256,", b"ssh-ed25519", b"\0\0\0"),
    "grpc": (b"\0\0\0\x04\0\0\0\0\0", b"\0\0\0\x04\x01\0\0\0\0", b"\0\0\x05\x01\x04\0\0\0\x01\x88",
        b"\0\0\x07\0\x01\0\0\0\x01\0\0\0\0\x02\x08\x01", b"\0\0\x08\x07"),
    "ldap": (b"0\x0c\x02\x01\x01\x61\x07\n\x01\0\x04\0\x04\0", b"0\x0c\x02\x01\x02\x65\x07\n\x01\0\x04\0\x04\0",
        b"0\x84\xff\xff\xff\xff", b"0\x80", b"\x02\x01\x01", b"\x0a\x01\x31"),
}  # fmt: skip
"""Beginnings of what servers of each kind say. A kind without an entry fails its tests: its parsers would not be met."""
