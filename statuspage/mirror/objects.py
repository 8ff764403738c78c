"""The objects of a bucket that speaks S3, by the library ``obstore``. Needs the extra [s3]: only who carries there imports it."""

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from statuspage.mirror.target import Bucket

PATIENCE, RETRIES = timedelta(seconds=20), 2
"""How long one request may take, and how often one is tried again that met no answer, or a server that is busy."""

_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_MESSAGE = re.compile(r"<Message>\s*([^<]+?)\s*</Message>")
_STATUS = re.compile(r"non-2xx status code: (\d{3}[^:\n]*)")
_REDIRECT = "redirect without LOCATION"
_CAUSES = re.compile(r'message: "([^"]+)"|(invalid peer certificate: \w+)|kind: (TimedOut)|(TimedOut)')

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Objects:
    """What stands in *bucket*, under its prefix. All of it may raise OSError with one line that says what is wrong."""

    bucket: Bucket
    _store: S3Store

    @classmethod
    def of(cls, bucket: Bucket) -> Self:
        """Open *bucket*; nothing is asked yet."""
        store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            endpoint=bucket.endpoint,
            region=bucket.region,
            access_key_id=bucket.key,
            secret_access_key=bucket.secret.reveal(),
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": (bucket.endpoint or "").startswith("http://"),
                "timeout": PATIENCE,
                "connect_timeout": PATIENCE / 2,
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": 2 * PATIENCE},
        )
        return cls(bucket, store)

    async def listed(self) -> Mapping[str, str]:
        """The tag of each object, by its name."""
        found = await self._asked(obstore.list(self._store).collect_async())
        return {one["path"]: _bare(one["e_tag"]) for one in found}

    async def read(self, name: str) -> bytes:
        """What *name* holds."""

        async def whole() -> bytes:
            return bytes(await (await obstore.get_async(self._store, name)).bytes_async())

        return await self._asked(whole())

    async def put(self, name: str, body: bytes, content_type: str, cache: str) -> str:
        """Put *body* there, at once or not at all; gives its tag."""
        told = {"Content-Type": content_type, "Cache-Control": cache}
        put = await self._asked(obstore.put_async(self._store, name, body, attributes=told, use_multipart=False))
        return _bare(put["e_tag"])

    async def remove(self, name: str) -> None:
        """Take *name* away; what is gone already is gone."""
        await self._asked(obstore.delete_async(self._store, name))

    async def _asked(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except (BaseError, OSError) as error:
            raise OSError(told(str(error), self.bucket)) from None


def _bare(tag: str | None) -> str:
    return (tag or "").strip('"')


def told(error: str, bucket: Bucket) -> str:
    """Say in one line, and without a secret, what the library says in many."""
    where = f"the bucket {bucket.name} at {bucket.endpoint or 'Amazon'}"
    code, message, status = _CODE.search(error), _MESSAGE.search(error), _STATUS.search(error)
    match code[1] if code else (_REDIRECT if _REDIRECT in error else ""):
        case "NoSuchBucket":
            return f"there is no {where.removeprefix('the ')}"
        case "InvalidAccessKeyId":
            return f"{where} does not know the key {bucket.key}"
        case "SignatureDoesNotMatch":
            return f"{where}: the secret is not that of the key {bucket.key}"
        case "AccessDenied" | "AllAccessDisabled":
            return f"{where}: the key {bucket.key} may not do this"
        case "RequestTimeTooSkewed":
            return f"{where}: its clock and the clock of this machine differ too much; set this one by NTP"
        case "PermanentRedirect" | "AuthorizationHeaderMalformed" | "redirect without LOCATION":
            return f"{where} is in another region than {bucket.region}; set mirror.region, and mirror.endpoint where there is one"
        case "":
            return f"{where}: {_cause(error) if status is None else f'it answers {status[1].strip()}'}"
        case other:
            return f"{where}: {other}{f': {message[1]}' if message else ''}"[:300]


def _cause(error: str) -> str:
    """Why there was no answer, the innermost reason of those that are told."""
    causes = [next(filter(None, found.groups())) for found in _CAUSES.finditer(error)]
    return f"no answer within {PATIENCE.seconds} s" if not causes or causes[-1] == "TimedOut" else causes[-1]
