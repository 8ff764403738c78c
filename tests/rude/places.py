"""Places where no probe may be led: every way that is known of writing a forbidden address so that it does not look like one.

``{p}`` stands for the port of a trap that listens behind every address that can be reached at all.
"""

# ruff: noqa: RUF001 - letters that look like others are what some of this is about

from collections.abc import Mapping, Sequence

# Ways to write 127.0.0.1 that one or another resolver, URL parser or C library takes for it.
LOOPBACK = (
    "127.0.0.1", "127.1", "127.0.1", "127.000.000.001", "0127.0.0.1", "0177.0.0.1", "0177.0.0.01", "0x7f.0.0.1", "0x7f.1",
    "0x7F.0x0.0x0.0x1", "0x7f000001", "0x7f000001.", "2130706433", "017700000001", "00000177.1", "127.0.0.1.", "127.255.255.254",
    "127.0.0.2", "4294967297", "127.0.0.1%00.example", "127.0.0.0x1", "127.0x1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1",
    "127．0．0．1", "127｡0｡0｡1", "𝟷𝟸𝟽.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2001:0:7f00:1::1]", "[2001:0:808:808:0:0:80ff:fffe]", "[::1%25lo]", "[::1%lo]", "[::1%1]", "[::1]%00",
    "[v1.::1]", "[127.0.0.1]", "[[::1]]", "::1", "localhost", "LOCALHOST", "LocalHost.", "ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "localhost%00",
    "local%68ost", "%6c%6f%63alhost", "%31%32%37.0.0.1", "localhost.localdomain", "ip6-localhost", "loop.example", "six.example",
    "mapped.example", "both.example", "alias.example", "second.example", "127.0.0.1.nip.example",
)  # fmt: skip

# Ways to write what nobody may name at all, the operator included.
NEVER = (
    "169.254.169.254", "169.254.170.2", "169.254.0.1", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376",
    "025177524776", "169.16689662", "169.254.43518", "169.254.169.254.", "0251.254.169.254", "１６９.254.169.254", "169。254。169。254",
    "①⑥⑨.②⑤④.①⑥⑨.②⑤④", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::169.254.169.254]", "[::ffff:0:a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::1]",
    "[2001:0:a9fe:a9fe::1]", "[2001:0:808:808:0:0:5601:5601]", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fd00:ec2::254]",
    "[fd20:ce::254]", "[ff02::1]", "[::]", "[0::0]", "[::ffff:0.0.0.0]", "0.0.0.0", "0", "0x0", "00", "0.0", "0.0.0.1",
    "100.100.100.200", "0x64.0x64.0x64.0xc8", "168.63.129.16", "192.0.0.192", "224.0.0.1", "239.255.255.250", "255.255.255.255",
    "4294967295", "240.0.0.1", "metadata.google.internal", "METADATA.google.internal.", "instance-data.ec2.internal",
    "169.254.169.254.nip.example", "a9fea9fe.nip.example", "translated.example", "sixtofour.example", "teredo.example",
    "compatible.example", "aliased.example", "mixed.example", "anything.example",
)  # fmt: skip

# Ways to write where a redirect leads so that two readers of it do not agree.
LOCATIONS = (
    "//127.0.0.1:{p}/", "///127.0.0.1:{p}/", "http:///127.0.0.1:{p}/", "http:127.0.0.1:{p}/x", "http:/127.0.0.1:{p}/",
    "http:\\\\127.0.0.1:{p}\\", "/\\127.0.0.1:{p}/", "\\\\127.0.0.1:{p}\\", "http://\\127.0.0.1:{p}/",
    "http://example.net\\@127.0.0.1:{p}/", "http://127.0.0.1:{p}\\@example.net/", "http://example.net@127.0.0.1:{p}/",
    "http://example.net:80@127.0.0.1:{p}/", "http://a:b@c@127.0.0.1:{p}/", "http://%65xample.net@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}#@example.net/", "http://127.0.0.1:{p}?@example.net/", "http://example.net%2f@127.0.0.1:{p}/",
    "http://example.net%00@127.0.0.1:{p}/", "http://127.0.0.1:{p};@example.net/", "http://127.0.\t0.1:{p}/",
    "ht\ttp://127.0.0.1:{p}/", "\thttp://127.0.0.1:{p}/", " http://127.0.0.1:{p}/", "http://127.0.0.1\t:{p}/",
    "http://127.0.0.1:{p}\t/", "http://127.0.0.1 :{p}/", "http://127.0.0.1:+{p}/", "http://127.0.0.1:0{p}/",
    "http://127.0.0.1:{p} /", "http://127.0.0.1:{p}:80/", "http://127.0.0.1:-1/", "http://127.0.0.1:0/",
    "http://127.0.0.1:65536/", "HTTP://127.0.0.1:{p}/", "hTtP://LOCALHOST:{p}/", "hTTPs://127.0.0.1:{p}/", "http://[::1]:{p}",
    "http://[::ffff:127.0.0.1]:{p}?x=/", "file:///etc/passwd", "FILE:///etc/passwd", "file://127.0.0.1:{p}/etc/passwd",
    "file:/etc/passwd", "gopher://127.0.0.1:{p}/_GET%20/", "dict://127.0.0.1:{p}/i", "ftp://127.0.0.1:{p}/",
    "sftp://127.0.0.1:{p}/", "ldap://127.0.0.1:{p}/", "tftp://127.0.0.1:{p}/", "ws://127.0.0.1:{p}/", "unix:///run/docker.sock",
    "http+unix://%2frun%2fdocker.sock/", "jar:http://127.0.0.1:{p}/!/", "data:text/html,x", "javascript:alert(1)", "about:blank",
    "view-source:http://127.0.0.1:{p}/", "netdoc:///etc/passwd", "phar:///etc/passwd", "blob:http://127.0.0.1:{p}/x", "urn:x:y",
    "mailto:a@b", "https:127.0.0.1:{p}", "http://", "http:", "https://:{p}/",
)  # fmt: skip

# What a name leads to, answer by answer; an answer that begins with = leads to another name.
Zone = Mapping[str, Sequence[Sequence[str]]]
METADATA = "169.254.169.254"
ZONE: Zone = {
    "localhost": [["127.0.0.1", "::1"]],
    "localhost.localdomain": [["127.0.0.1"]],
    "ip6-localhost": [["::1"]],
    "loop.example": [["127.0.0.1"]],
    "six.example": [["::1"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "both.example": [["8.8.8.8", "127.0.0.1"]],
    "second.example": [["2606:4700:4700::1111", "::1"]],
    "alias.example": [["=loop.example"]],
    "127.0.0.1.nip.example": [["127.0.0.1"]],
    "metadata.google.internal": [[METADATA]],
    "instance-data.ec2.internal": [[METADATA]],
    "169.254.169.254.nip.example": [[METADATA]],
    "a9fea9fe.nip.example": [[METADATA]],
    "translated.example": [["64:ff9b::a9fe:a9fe"]],
    "sixtofour.example": [["2002:a9fe:a9fe::1"]],
    "teredo.example": [["2001:0:a9fe:a9fe::1"]],
    "compatible.example": [["::169.254.169.254"]],
    "aliased.example": [["=metadata.google.internal"]],
    "mixed.example": [["8.8.8.8", METADATA]],
    "anything.example": [["0.0.0.0"]],
    "rebinding.example": [["8.8.8.8"], ["127.0.0.1"]],
    "private.example": [["10.1.2.3"]],
}

# What the operator's own file may name.
NAMED = ("127.0.0.1", "127.8.9.10", "[::1]", "[::ffff:127.0.0.1]", "localhost", "loop.example", "six.example")
NAMED_FAR = (
    *("10.1.2.3", "172.16.5.5", "192.168.1.1", "100.64.0.1", "[fd12:3456::1]", "8.8.8.8", "[2606:4700:4700::1111]", "private.example"),
)
