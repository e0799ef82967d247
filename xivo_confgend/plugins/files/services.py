"""What can be done with the files."""

from __future__ import annotations

import io
import json
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO

from twisted.internet.defer import DeferredLock

from xivo_confgend.children import ChildError
from xivo_confgend.database.queries import Version
from xivo_confgend.exceptions import GenerationError
from xivo_confgend.history import NoSuchVersion, decompressed
from xivo_confgend.http_access import Caller
from xivo_confgend.http_content import Content, Pieces, file_pieces
from xivo_confgend.http_problems import Problem
from xivo_confgend.names import FileName
from xivo_confgend.services import Daemon, FileFacts, written_time
from xivo_confgend.store import Facts

MEDIA_TYPES = {".yml": "application/yaml", ".yaml": "application/yaml"}
PLAIN = "text/plain; charset=utf-8"
DIFF = "text/x-diff; charset=utf-8"
COMPARISON = "xivo_confgend.plugins.files.comparison"
COMPARISON_TIMEOUT = 60
MASKING = "xivo_confgend.plugins.files.masking"
LARGE = 1 << 18
"""Bytes that are masked in a few milliseconds."""
MOST_CHILDREN = 16
MOST_COMPARED = 512 << 20
"""Bytes of two contents together."""


@dataclass(frozen=True)
class Source:
    """A content: an open file, plain or zstd."""

    file: BinaryIO
    compressed: bool

    def pieces(self) -> Iterator[bytes]:
        """The plain content from its beginning."""
        if self.compressed:
            self.file.seek(0)
            return decompressed(self.file)
        return file_pieces(self.file)

    @contextmanager
    def on_disk(self) -> Iterator[BinaryIO]:
        """The file as a process can be given it."""
        if not isinstance(self.file, io.BytesIO):
            yield self.file
            return
        with tempfile.TemporaryFile(buffering=0) as copy:
            copy.write(self.file.getbuffer())
            yield copy


class FilesService:
    """The files of `daemon`. Every caller sees contents and digests as he may."""

    def __init__(self, daemon: Daemon, facts: FileFacts) -> None:
        self._daemon = daemon
        self._facts = facts
        self._comparing = DeferredLock()

    def listed(self, caller: Caller, resource: str | None, state: str | None) -> list[dict[str, Any]]:
        """All files, or those of a resource and in a state."""
        names = [name for name in self._facts.names() if resource in (None, name.resource)]
        described = [self._facts.describe(name, caller.reads_secrets) for name in names]
        return [one for one in described if state in (None, one["state"])]

    def info(self, name: FileName, caller: Caller) -> dict[str, Any]:
        """What is known of `name`. Raises NoSuchFile."""
        self._facts.check(name)
        return self._facts.describe(name, caller.reads_secrets)

    async def content(self, name: FileName, cached: bool, caller: Caller) -> Content:
        """The content that a client of the TCP protocol gets now. Raises DriverError, GenerationError."""
        self._check_masking(name, caller)
        answer = await self._daemon.generation.answer(name, cached)
        as_stored = "cached" if cached and answer.reused else "fresh"
        state = "pinned" if answer.pinned else "stale" if answer.stale else as_stored
        return self._reply(name, answer.facts, state, Source(answer.file, compressed=False), caller)

    async def regenerate(self, name: FileName, caller: Caller) -> dict[str, Any]:
        """Generate now, whatever is known. Raises GenerationError, also if there is a last good content."""
        answer = await self._daemon.generation.answer(name, anew=True)
        answer.file.close()
        if answer.stale:
            failure = self._daemon.generation.status(name).failure
            raise GenerationError(f"{name}: {failure.reason if failure else 'the generation failed'}")
        return self._facts.describe(name, caller.reads_secrets)

    def invalidate(self, name: FileName) -> None:
        """Forget the last good content. Raises NoSuchFile, StoreError."""
        self._facts.check(name)
        self._daemon.generation.invalidate(name)

    async def versions(self, name: FileName, caller: Caller) -> list[dict[str, Any]]:
        """The kept versions, the latest first. Raises HistoryError."""
        self._facts.check(name)
        versions = await self._daemon.history.versions(name)
        current = self._daemon.generation.store.facts(name)
        pin = self._daemon.history.pins.get(name)
        return [
            {
                "digest": self._facts.shown(one.digest, caller.reads_secrets),
                "generated_at": written_time(one.generated),
                "first_generated_at": written_time(one.first_generated),
                "driver": one.driver,
                "duration": one.duration,
                "size": one.size,
                "lines": one.lines,
                "stored_size": one.stored_size,
                "warnings": self._facts.warnings(name, one.warnings, caller.reads_secrets),
                "current": current is not None and one.digest == current.digest,
                "pinned": pin is not None and one.digest == pin.facts.digest,
            }
            for one in versions
        ]

    async def version(self, name: FileName, shown: str, caller: Caller) -> Content:
        """The content of a kept version. Raises NoSuchVersion, HistoryError."""
        self._facts.check(name)
        self._check_masking(name, caller)
        digest = await self._facts.version(name, shown, caller.reads_secrets)
        kept = await self._daemon.history.content(name, digest)
        version = next(v for v in await self._daemon.history.versions(name) if v.digest == digest)
        facts = Facts(kept.size, kept.digest, version.generated, lines=kept.lines, warnings=version.warnings)
        return self._reply(name, facts, "version", Source(io.BytesIO(kept.data), compressed=True), caller)

    async def diff(self, name: FileName, older: str | None, newer: str | None, context: int, caller: Caller) -> Content:
        """Unified diff between two kept versions, made in a process of its own. Raises NoSuchVersion, HistoryError."""
        self._facts.check(name)
        self._check_masking(name, caller)
        pair = self._chosen(name, await self._daemon.history.versions(name), older, newer, caller)
        if sum(version.size for version in pair) > MOST_COMPARED:
            raise Problem("too-large", f"together at most {MOST_COMPARED} bytes are compared")
        contents = [(await self._daemon.history.content(name, version.digest)).data for version in pair]
        masked = not caller.reads_secrets
        order = {
            "names": [f"{name}\t{written_time(version.generated)}" for version in pair],
            "context": context,
            "options": self._daemon.masking.options_of(name.key) if masked else None,
            "filename": name.filename,
            "sizes": [len(content) for content in contents],
        }
        header = json.dumps(order).encode()
        given = struct.pack("!I", len(header)) + header + b"".join(contents)
        output = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by the reply
        try:
            await self._comparing.run(
                self._daemon.threads.run,
                lambda: self._daemon.children.run(COMPARISON, given, output, COMPARISON_TIMEOUT),
            )
        except ChildError as error:
            output.close()
            raise Problem("too-large", f"the comparison was given up: {error}") from error
        validator = sha256(f"{order} {[v.digest for v in pair]} {self._daemon.masking.version}".encode()).hexdigest()
        shown = [self._facts.shown(version.digest, caller.reads_secrets) for version in pair]
        headers = {"Confgend-Masked": _written(masked), "Confgend-From": shown[0], "Confgend-To": shown[1]}
        return Content(lambda: file_pieces(output), validator, DIFF, self._daemon.threads, output.seek(0, 2),
                       headers=headers, close=output.close)  # fmt: skip

    def pin_of(self, name: FileName, caller: Caller) -> dict[str, Any]:
        """What is pinned. Raises Problem if nothing is."""
        self._facts.check(name)
        pin = self._daemon.history.pins.get(name)
        if pin is None:
            raise Problem("not-pinned", f"{name}: no version is pinned")
        return self._facts.describe_pin(pin, caller.reads_secrets)

    async def pin(self, name: FileName, shown: str, reason: str, caller: Caller) -> dict[str, Any]:
        """Serve a kept version until it is unpinned. Raises NoSuchVersion, HistoryError."""
        self._facts.check(name)
        digest = await self._facts.version(name, shown, caller.reads_secrets)
        pin = await self._daemon.history.pin(name, digest, caller.name or caller.method, reason)
        self._daemon.tell("pinned", name)
        return self._facts.describe_pin(pin, caller.reads_secrets)

    async def unpin(self, name: FileName) -> None:
        """Serve what the database says again; no error if nothing is pinned. Raises HistoryError."""
        self._facts.check(name)
        if await self._daemon.history.unpin(name):
            self._daemon.tell("unpinned", name)

    def _check_masking(self, name: FileName, caller: Caller) -> None:
        if not caller.reads_secrets and not self._daemon.masking.knows(name.key):
            raise Problem("forbidden", f"{name}: its secret options are not known, so read:secrets is needed")

    def _reply(self, name: FileName, facts: Facts, state: str, source: Source, caller: Caller) -> Content:
        masked = not caller.reads_secrets
        shown = self._facts.shown(facts.digest, caller.reads_secrets)
        headers = {
            "Confgend-State": state,
            "Confgend-Masked": _written(masked),
            "Confgend-Digest": shown,
            "Confgend-Lines": str(facts.lines),
            "Confgend-Size": str(facts.size),
            "Confgend-Warnings": str(facts.warnings.count),
        }
        return Content(
            pieces=self._masked(name, facts, source) if masked else source.pieces,
            validator=f"{shown}-m{self._daemon.masking.version}" if masked else shown,
            media_type=MEDIA_TYPES.get("." + name.filename.rpartition(".")[2], PLAIN),
            threads=self._daemon.threads,
            size=None if masked else facts.size,
            modified=facts.generated,
            headers=headers,
            cache="private, no-cache" if masked else "no-store",
            close=source.file.close,
        )

    def _masked(self, name: FileName, facts: Facts, source: Source) -> Pieces:
        """The content without its secrets; that of a large one is made in a process of its own."""
        rules, children = self._daemon.masking, self._daemon.children
        if facts.size <= LARGE or children.running >= MOST_CHILDREN:
            return lambda: rules.masker(name.key, name.filename).pieces(source.pieces())
        order = {
            "options": rules.options_of(name.key),
            "filename": name.filename,
            "compressed": source.compressed,
        }

        def from_child() -> Iterator[bytes]:
            with source.on_disk() as given:
                yield from children.pieces(MASKING, json.dumps(order), given)

        return from_child

    def _chosen(
        self, name: FileName, versions: list[Version], older: str | None, newer: str | None, caller: Caller
    ) -> tuple[Version, Version]:
        """The two versions to compare. `versions`: the latest first."""
        shown = [self._facts.shown(version.digest, caller.reads_secrets) for version in versions]
        try:
            right = shown.index(newer) if newer else 0
            left = shown.index(older) if older else min(right + 1, len(versions) - 1)
            return versions[left], versions[right]
        except (ValueError, IndexError):
            raise NoSuchVersion(f"{name}: no such version is kept") from None


def _written(value: bool) -> str:
    return "true" if value else "false"
