"""The pinned contents, ready to be served: what `Generation` asks before anything else.

Each lies as a plain file `root/RESOURCE/FILENAME/DIGEST`, so that serving one needs neither the
history's database nor any decompression. Who pinned which version is written beside it, so that
losing that database releases no emergency brake. `history` decides what is pinned; this room only keeps it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from xivo_confgend.exceptions import ConfgendError
from xivo_confgend.names import FileName
from xivo_confgend.store import DIRECTORY_MODE, FILE_MODE, Facts, StoredFile

logger = logging.getLogger(__name__)

BESIDE = "pin.json"


@dataclass(frozen=True)
class Pin:
    """A pinned version: the `facts` of its content, since when (seconds since the epoch), by whom, why."""

    facts: Facts
    pinned_at: float
    pinned_by: str
    reason: str


class Pins:
    """The directory `root`.

    `get`, `open`, `show` and `hide` are the reactor's and never wait; `load`, `write` and `erase` are for
    the history's thread. So a content is there before it is shown, and shown no more before it goes.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pins: dict[FileName, Pin] = {}

    def get(self, name: FileName) -> Pin | None:
        """What is pinned of `name`."""
        return self._pins.get(name)

    def names(self) -> list[FileName]:
        """The pinned files."""
        return sorted(self._pins)

    def open(self, name: FileName) -> StoredFile | None:
        """The pinned content of `name`, None if there is none, or if it was lost, which is an error line."""
        pin = self._pins.get(name)
        if pin is None:
            return None
        try:
            return StoredFile(self._path(name, pin.facts.digest).open("rb", buffering=0), pin.facts)
        except OSError as error:
            logger.error("%s: the pinned version cannot be read, it is generated instead: %s", name, error.strerror)
            return None

    def show(self, name: FileName, pin: Pin) -> None:
        """Serve what was written for `pin` from now on."""
        self._pins[name] = pin

    def hide(self, name: FileName) -> None:
        """Serve `name` no more; no error if it is not pinned."""
        self._pins.pop(name, None)

    def load(self) -> None:
        """Show the pins that are on the disk and whole. Raises OSError."""
        for beside in self._root.glob(f"*/*/{BESIDE}"):
            with contextlib.suppress(ConfgendError, OSError, ValueError, TypeError, KeyError):
                name = FileName.parse(f"{beside.parent.parent.name}/{beside.parent.name}")
                kept = json.loads(beside.read_text("utf-8"))
                pin = Pin(Facts.from_json(kept.pop("facts")), **kept)
                with self._path(name, pin.facts.digest).open("rb") as file:
                    if file_digest(file, "sha256").hexdigest() == pin.facts.digest:
                        self._pins[name] = pin

    def write(self, name: FileName, pin: Pin, content: Iterable[bytes]) -> None:
        """Keep `content` as what `pin` is about. Raises OSError."""
        path = self._path(name, pin.facts.digest)
        for directory in (path.parent.parent, path.parent):
            directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        _write(path, content)
        _write(path.with_name(BESIDE), [json.dumps(dataclasses.asdict(pin)).encode()])

    def erase(self, name: FileName, but: str = "") -> None:
        """Remove what is kept for `name`, but the content with the digest `but`."""
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
