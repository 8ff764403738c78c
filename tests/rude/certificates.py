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

    def ending(self, at: datetime) -> ssl.SSLContext:
        return self._server(self._authority.issue_cert("127.0.0.1", "localhost", not_after=at))

    def expired(self) -> ssl.SSLContext:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self._server(self._authority.issue_cert("127.0.0.1", "localhost", not_after=yesterday))

    def not_yet_valid(self) -> ssl.SSLContext:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        return self._server(self._authority.issue_cert("127.0.0.1", not_before=tomorrow, not_after=tomorrow + timedelta(days=1)))

    def of_a_stranger(self) -> ssl.SSLContext:
        return self._server(trustme.CA().issue_cert("127.0.0.1", "localhost"))

    def write(self, directory: Path, *names: str) -> None:
        """Write ``chain.pem`` and ``key.pem`` for a server that is another program."""
        certificate = self._authority.issue_cert(*(names or ("127.0.0.1", "localhost")))
        certificate.private_key_pem.write_to_path(str(directory / "key.pem"))
        (directory / "key.pem").chmod(0o600)
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(str(directory / "chain.pem"), append=True)

    @staticmethod
    def _server(certificate: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        return context
