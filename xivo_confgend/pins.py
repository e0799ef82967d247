"""The pinned contents, ready to be served: what `Generation` asks before anything else.

Each lies as a plain file `root/RESOURCE/FILENAME/DIGEST`, so that serving one needs neither the
history's database nor any decompression. Who pinned which version is written beside it, so that
losing that database releases no emergency brake. The file stays open, so that removing the directory releases none
either. `history` decides what is pinned; this module only keeps it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from xivo_confgend.exceptions import ConfgendError
from xivo_confgend.names import FileName
from xivo_confgend.store import DIRECTORY_MODE, FILE_MODE, Facts, StoredFile

logger = logging.getLogger(__name__)

BESIDE = "pin.json"
PIECE = 1 << 18


@dataclass(frozen=True)
class Pin:
    """A pinned version: the `facts` of its content, since when (seconds since the epoch), by whom, why."""

    facts: Facts
    pinned_at: float
    pinned_by: str
    reason: str


@dataclass(frozen=True)
class HeldPin:
    """A pin with its content as an open file, which outlives the removal of its name."""

    pin: Pin
    file: BinaryIO

    def reopened(self) -> BinaryIO:
        """The content from its beginning, for another reader. Raises OSError."""
        return Path(f"/proc/self/fd/{self.file.fileno()}").open("rb", buffering=0)

    def pieces(self) -> Iterator[bytes]:
        """The content. Raises OSError."""
        with self.reopened() as file:
            while piece := file.read(PIECE):
                yield piece


class Pins:
    """The directory `root`.

    `get`, `open`, `show` and `hide` are the reactor's and never wait; `load`, `write`, `restore` and `erase` are for
    the history's thread. So a content is there before it is shown, and shown no more before it goes. `on_loss` is
    called in the reactor when a content that is shown is found removed from the disk.
    """

    def __init__(self, root: Path) -> None:
        self.on_loss: Callable[[], None] = lambda: None
        self._root = root
        self._shown: dict[FileName, HeldPin] = {}
        self._hidden: list[HeldPin] = []
        """Closed by the history's thread, which may be reading from them."""

    def get(self, name: FileName) -> Pin | None:
        """What is pinned of `name`."""
        held = self._shown.get(name)
        return held.pin if held else None

    def held(self) -> list[tuple[FileName, HeldPin]]:
        """The pinned files."""
        return sorted(self._shown.items(), key=lambda item: item[0])

    def names(self) -> list[FileName]:
        """The names of the pinned files."""
        return sorted(self._shown)

    def open(self, name: FileName) -> StoredFile | None:
        """The pinned content of `name`, None if there is none, or if it was lost, which is an error line."""
        held = self._shown.get(name)
        if held is None:
            return None
        try:
            return StoredFile(self._open(name, held), held.pin.facts)
        except OSError as error:
            logger.error("%s: the pinned version cannot be read, it is generated instead: %s", name, error.strerror)
            return None

    def _open(self, name: FileName, held: HeldPin) -> BinaryIO:
        try:
            return self._path(name, held.pin.facts.digest).open("rb", buffering=0)
        except OSError:
            self.on_loss()
            return held.reopened()

    def show(self, name: FileName, held: HeldPin) -> None:
        """Serve what was written from now on."""
        self.hide(name)
        self._shown[name] = held

    def hide(self, name: FileName) -> None:
        """Serve `name` no more; no error if it is not pinned."""
        held = self._shown.pop(name, None)
        if held is not None:
            self._hidden.append(held)

    def load(self) -> None:
        """Show the pins that are on the disk and whole. Raises OSError."""
        for beside in self._root.glob(f"*/*/{BESIDE}"):
            with contextlib.suppress(ConfgendError, OSError, ValueError, TypeError, KeyError):
                name = FileName.parse(f"{beside.parent.parent.name}/{beside.parent.name}")
                kept = json.loads(beside.read_text("utf-8"))
                pin = Pin(Facts.from_json(kept.pop("facts")), **kept)
                file = self._path(name, pin.facts.digest).open("rb", buffering=0)
                if file_digest(file, "sha256").hexdigest() == pin.facts.digest:
                    self.show(name, HeldPin(pin, file))
                else:
                    file.close()

    def write(self, name: FileName, pin: Pin, content: Iterable[bytes]) -> HeldPin:
        """Keep `content` as what `pin` is about. Raises OSError."""
        path = self._path(name, pin.facts.digest)
        for directory in (self._root, path.parent.parent, path.parent):
            directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        _write(path, content)
        _write(path.with_name(BESIDE), [json.dumps(dataclasses.asdict(pin)).encode()])
        return HeldPin(pin, path.open("rb", buffering=0))

    def restore(self) -> list[FileName]:
        """Write what is shown and was removed from the disk; returns which files. Raises OSError."""
        written = []
        for name, held in self.held():
            path = self._path(name, held.pin.facts.digest)
            if not (path.exists() and path.with_name(BESIDE).exists()):
                self.write(name, held.pin, held.pieces()).file.close()
                written.append(name)
        return written

    def erase(self, name: FileName, but: str = "") -> None:
        """Remove what is kept for `name`, but the content with the digest `but`."""
        while self._hidden:
            self._hidden.pop().file.close()
        keep = {but, BESIDE} if but else set()
        directory = self._root / name.resource / name.filename
        for path in list(directory.glob("*")) + list(directory.glob(".*")):
            if path.name not in keep:
                with contextlib.suppress(OSError):
                    path.unlink()
        if not but:
            with contextlib.suppress(OSError):
                directory.rmdir()

    def _path(self, name: FileName, digest: str) -> Path:
        return self._root / name.resource / name.filename / digest


def _write(path: Path, content: Iterable[bytes]) -> None:
    """Replace `path` at once by what was flushed to the disk."""
    staged = path.with_name(f".{path.name}.new")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        for piece in content:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)
