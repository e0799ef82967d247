"""Directives that make the reference from the code: the keys of the configuration, and the help of the commands.

`confgend-settings` is a table of the keys of the core, `confgend-settings rest_api` of those under that key;
`confgend-help COMMAND` is what `COMMAND --help` prints.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
from collections.abc import Callable

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from xivo_confgend import main, rest_api
from xivo_confgend.client import API_COMMANDS
from xivo_confgend.client.arguments import parse_any, parse_command
from xivo_confgend.config import Settings

HELP: dict[str, Callable[[], object]] = {
    "confgen": lambda: parse_any(["--help"]),
    **{f"confgen {name}": lambda name=name: parse_command([name, "--help"]) for name in API_COMMANDS},
    "xivo-confgend": lambda: main.main(["--help"]),
    **{f"xivo-confgend {name}": lambda name=name: main.main([name, "--help"]) for name, _, _ in main.COMMANDS},
}
COLUMNS = ("key", "kind", "default", "meaning")
WIDTHS = {"": (20, 20, 20, 40), "rest_api": (30, 50, 20)}


def printed_help(command: str) -> str:
    """What `command --help` prints, 100 columns wide. Raises KeyError for a command that there is not."""
    os.environ["COLUMNS"] = "100"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        HELP[command]()
    return printed.getvalue()


def settings(key: str) -> list[tuple[str, ...]]:
    """The rows of the table of keys: of the core, or of those under `rest_api`."""
    if key == "rest_api":
        return [(name, rule.expected, _written(rest_api.DEFAULTS[name])) for name, rule in rest_api.RULES.items()]
    defaults = dataclasses.asdict(Settings())
    return [
        (field.name, field.metadata["kind"].expected, _written(defaults[field.name]), field.metadata["meaning"])
        for field in dataclasses.fields(Settings)
        if field.name != "rest_api"
    ]


def _written(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n").strip()


class SettingsDirective(SphinxDirective):
    """The table of keys."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """One row for each key."""
        key = self.arguments[0] if self.arguments else ""
        widths = WIDTHS[key]
        group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in widths), cols=len(widths))
        head = nodes.thead("", self._row([nodes.Text(column) for column in COLUMNS[: len(widths)]]))
        body = nodes.tbody()
        for name, kind, default, *meaning in settings(key):
            texts = [self._inline(text) for text in meaning]
            body += self._row([nodes.literal("", name), nodes.Text(kind), nodes.literal("", default), *texts])
        group += [head, body]
        return [nodes.table("", group)]

    def _inline(self, text: str) -> nodes.Node:
        parsed, _ = self.state.inline_text(text, self.lineno)
        return nodes.inline("", "", *parsed)

    @staticmethod
    def _row(cells: list[nodes.Node]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


class HelpDirective(SphinxDirective):
    """The help of one command."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """A literal block."""
        if self.arguments[0] not in HELP:
            raise self.error(f"no such command: {self.arguments[0]}")
        block = nodes.literal_block("", printed_help(self.arguments[0]))
        block["language"] = "text"
        return [block]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("confgend-settings", SettingsDirective)
    app.add_directive("confgend-help", HelpDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
