"""A large file in parts: what an earlier upload has brought there is not sent again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rasreconcile.jobs import Staged
from rasreconcile.workers.aws_batch.account import Account, Missing, Taken
from rasreconcile.workers.input_cache import changed, reading

SMALLEST_PART = 64 << 20
"""Bytes of a part; a file of at most so many is sent in one."""
_MOST_PARTS = 9000


def part_size(size: int) -> int:
    """Of a file of `size` bytes: S3 takes ten thousand parts."""
    return max(SMALLEST_PART, -(-size // _MOST_PARTS))


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A part that S3 has."""

    size: int
    tag: str
    checksum: str

    def is_of(self, part: bytes, checksum: str) -> bool:
        """Whether it holds these bytes. Where no digest is told, the tag is one, but not of what KMS encrypts."""
        if self.size != len(part):
            return False
        if self.checksum:
            return self.checksum == checksum
        return self.tag.strip('"') == hashlib.md5(part, usedforsecurity=False).hexdigest()


class Parts:
    """One upload, which another process may have begun."""

    def __init__(
        self, account: Account, bucket: str, key: str, staged: Staged, sealed: Mapping[str, str]
    ) -> None:
        self._account = account
        self._where = {"Bucket": bucket, "Key": key}
        self._staged = staged
        self._sealed = sealed

    def send(self) -> None:
        """Raises InputChanged before anything of another file could be taken for this one."""
        upload = self._begun() or self._begin()
        try:
            self._send(upload)
        except Missing:
            # Another starter has completed it, or the bucket's rule has ended it.
            self._send(self._begin())

    def _send(self, upload: str) -> None:
        there, sent, whole = self._there(upload), [], hashlib.sha256()
        for number, part in enumerate(self._parts(), start=1):
            whole.update(part)
            checksum = base64.b64encode(hashlib.sha256(part).digest()).decode()
            sent_before = there.get(number)
            tag = sent_before.tag if sent_before and sent_before.is_of(part, checksum) else None
            if tag is None:
                answer = self._call(
                    "upload_part", UploadId=upload, PartNumber=number, Body=part, ChecksumSHA256=checksum
                )
                tag = answer["ETag"]
            sent.append({"PartNumber": number, "ETag": tag, "ChecksumSHA256": checksum})
        if whole.hexdigest() != self._staged.digest:
            self._call("abort_multipart_upload", UploadId=upload)
            raise changed(self._staged)
        try:
            self._call(
                "complete_multipart_upload", UploadId=upload, MultipartUpload={"Parts": sent}, IfNoneMatch="*"
            )
        except Taken:
            # Another starter was quicker: the name is the digest, and so it is the same file.
            self._call("abort_multipart_upload", UploadId=upload)

    def _parts(self) -> Iterator[bytes]:
        wanted, held = part_size(self._staged.size), bytearray()
        with reading(self._staged) as read:
            while piece := read():
                held += piece
                while len(held) >= wanted:
                    yield bytes(held[:wanted])
                    del held[:wanted]
        if held:
            yield bytes(held)

    def _begun(self) -> str | None:
        """The newest upload of this very file that was begun and not completed."""
        answer = self._account.call(
            "s3", "list_multipart_uploads", Bucket=self._where["Bucket"], Prefix=self._where["Key"]
        )
        begun = [one for one in answer.get("Uploads", ()) if one["Key"] == self._where["Key"]]
        newest = max(begun, key=lambda one: one["Initiated"], default=None)
        return str(newest["UploadId"]) if newest else None

    def _begin(self) -> str:
        answer = self._call(
            "create_multipart_upload",
            ChecksumAlgorithm="SHA256",
            Metadata={"sha256": self._staged.digest},
            **self._sealed,
        )
        return str(answer["UploadId"])

    def _there(self, upload: str) -> dict[int, _Arrived]:
        """The parts that arrived, by number."""
        found: dict[int, _Arrived] = {}
        more: dict[str, Any] = {}
        while True:
            page = self._call("list_parts", UploadId=upload, **more)
            for one in page.get("Parts", ()):
                checksum = one.get("ChecksumSHA256", "")
                found[one["PartNumber"]] = _Arrived(one["Size"], str(one["ETag"]), checksum)
            if not page.get("IsTruncated"):
                return found
            more = {"PartNumberMarker": page["NextPartNumberMarker"]}

    def _call(self, operation: str, **words: Any) -> Any:
        return self._account.call("s3", operation, **self._where, **words)
