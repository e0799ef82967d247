"""What a new distribution is called in all the places that have names: derived from two words of its author."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from xivo_confgend.exceptions import ConfgendError, NoSuchFile
from xivo_confgend.names import FileName

DRIVER_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
YAML_SUFFIXES = (".yml", ".yaml")


class NameRefused(ConfgendError):
    """A name cannot be used; the text says what would do."""


@dataclass(frozen=True)
class Names:
    """The names in one new distribution."""

    name: str
    file: FileName

    @classmethod
    def parse(cls, name: str, file: str) -> Names:
        """From the command line. Raises NameRefused."""
        if not DRIVER_NAME.fullmatch(name):
            raise NameRefused(
                f"NAME {name!r}: use small letters, digits and single hyphens or underscores, letter first"
            )
        try:
            return cls(name, FileName.parse(file))
        except NoSuchFile as error:
            raise NameRefused(f"{error}, for example asterisk/foo.conf") from error

    @property
    def distribution(self) -> str:
        """As `pip` knows it; also the directory."""
        return f"xivo-confgend-{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """The import package."""
        return f"xivo_confgend_{self.name.replace('-', '_')}"

    @property
    def resource_module(self) -> str:
        """The package of the drivers of one resource."""
        return _module(self.file.resource)

    @property
    def module(self) -> str:
        """The driver's module: the file without its suffix."""
        return _module(self.file.filename.rpartition(".")[0] or self.file.filename)

    @property
    def class_name(self) -> str:
        """The driver's class."""
        made = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", self.file.filename))
        return made if made.isidentifier() else f"File{made}"

    @property
    def yaml(self) -> bool:
        """Whether the file is to be YAML rather than Asterisk's grammar."""
        return self.file.filename.endswith(YAML_SUFFIXES)


def _module(text: str) -> str:
    made = re.sub(r"[^a-z0-9_]", "_", text.lower())
    return f"_{made}" if made[:1].isdigit() else made + "_" * keyword.iskeyword(made)
