"""A certificate authority of the tests, and the certificates that servers get wrong."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Certificates:
    """Contexts for servers; *ca* is the PEM file that a probe is told to trust."""

    def __init__(self, directory: Path) -> None:
        self._authority = trustme.CA()
        self.ca = directory / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))

    def good(self, *names: str) -> ssl.SSLContext:
        return self._server(self._authority.issue_cert(*(names or ("127.0.0.1", "localhost"))))

    def expired(self) -> ssl.SSLContext:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self._server(self._authority.issue_cert("127.0.0.1", "localhost", not_after=yesterday))

    def not_yet_valid(self) -> ssl.SSLContext:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        return self._server(self._authority.issue_cert("127.0.0.1", not_before=tomorrow, not_after=tomorrow + timedelta(days=1)))

    def of_a_stranger(self) -> ssl.SSLContext:
        return self._server(trustme.CA().issue_cert("127.0.0.1", "localhost"))

    @staticmethod
    def _server(certificate: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        return context
