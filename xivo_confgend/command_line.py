"""The command line parser: a mistake is one line, with the near word where there is one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from xivo_confgend.client.wording import near
from xivo_confgend.version import installed_version

WRONG_USAGE = 2


class Parser(argparse.ArgumentParser):
    """Ends the program with one line on standard error and exit status 2 if the command line is wrong."""

    def error(self, message: str) -> NoReturn:
        """Wrong usage."""
        self.exit(WRONG_USAGE, f"{self.prog}: {message} ({self.prog} --help tells more)\n")

    def read(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """What `arguments`, or those of the process, say."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            word = unknown[0].partition("=")[0]
            meant = near(word, self._options()) if word.startswith("-") else ""
            self.error(f"unrecognized argument {word!r}{meant and f'; did you mean {meant}?'}")
        return options

    def _options(self) -> Iterator[str]:
        """Every option, also those of the commands."""
        for action in self._actions:
            yield from (option for option in action.option_strings if option.startswith("--"))
            if isinstance(action, argparse._SubParsersAction):
                for parser in action.choices.values():
                    yield from parser._options()

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """What argparse calls for a value that has to be one of several, the name of a command for one."""
        if action.choices is not None and value not in action.choices:
            words = list(action.choices)
            meant = near(str(value), words)
            told = f"did you mean {meant}?" if meant else f"there are {', '.join(map(str, words))}"
            raise argparse.ArgumentError(None, f"{value!r} is not a command; {told}")


class ShowVersion(argparse.Action):
    """`--version`: that of the installed distribution."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print and leave."""
        print(f"{parser.prog} {installed_version()}")
        sys.exit(0)
