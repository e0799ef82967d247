"""The one word for a generated file in every room: `resource/filename`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xivo_confgend.exceptions import NoSuchFile

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


@dataclass(frozen=True, order=True)
class FileName:
    """A file's identity: `resource/filename`. Both parts are safe to be made into a path."""

    resource: str
    filename: str

    @classmethod
    def parse(cls, text: str) -> FileName:
        """Read `resource/filename`. Raises NoSuchFile unless both are of `[A-Za-z0-9_.-]` without leading dot."""
        resource, _, filename = text.partition("/")
        if not (NAME.fullmatch(resource) and NAME.fullmatch(filename)):
            raise NoSuchFile(f"{text!r} is not RESOURCE/FILENAME")
        return cls(resource, filename)

    @property
    def key(self) -> str:
        """As in the `plugins` map and in entry point groups: `resource.filename`."""
        return f"{self.resource}.{self.filename}"

    def __str__(self) -> str:
        return f"{self.resource}/{self.filename}"
