"""Rows that belong together in a dialplan, for the tests of asterisk/extensions.conf."""

from __future__ import annotations

import uuid
from itertools import count
from pathlib import Path
from typing import Any

from integration_tests.suite.helpers.scratch import Scratch
from xivo_confgend.testing.generation import Generated
from xivo_confgend_wazo.impl.asterisk.extensions import ExtensionsConf
from xivo_confgend_wazo.meta import (
    context,
    endpoint_sip,
    extensions,
    feature_extension,
    line_extension,
    linefeatures,
    sccpline,
    user_line,
    usercustom,
    userfeatures,
)

TENANT = "11111111-aaaa-4000-8000-000000000001"
CONTEXTS_CONF = Path(__file__).parents[3] / "etc/xivo-confgend/templates/contexts.conf"
BARE_CONTEXTS_CONF = "[template]\nobjtpl = %%EXTEN%%,%%ACTION%%\n[xivo-features]\nobjtpl = %%EXTEN%%,%%ACTION%%\n"
"""One line for each extension and nothing else."""


def user_uuid(number: int) -> str:
    """The uuid of the user `number`."""
    return f"00000000-0000-4000-8000-{number:012}"


def feature_uuid(feature: str) -> str:
    """The uuid of the row of a feature."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, feature))


class Dialplan:
    """A scratch database, and the contexts file that `write_contexts` makes, else the shipped one."""

    def __init__(self, database: Scratch, directory: Path) -> None:
        self.database = database
        self.templates = directory / "templates"
        self._contexts_conf = CONTEXTS_CONF
        self._ids = count(10_000)  # far from those that the database counts

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that the driver gets."""
        return {"templates": {"contextsconf": str(self._contexts_conf), "directory": str(self.templates)}}

    def write_contexts(self, text: str = BARE_CONTEXTS_CONF) -> Path:
        """Make the administrator's own contexts file."""
        self._contexts_conf = self.templates / "contexts.conf"
        self.templates.mkdir(exist_ok=True)
        self._contexts_conf.write_text(text, "utf-8")
        return self._contexts_conf

    def generate(self) -> Generated:
        """Run the driver."""
        return self.database.generate(ExtensionsConf, self.config)

    def content(self) -> str:
        """What the driver makes, without a warning."""
        made = self.generate()
        assert made.warnings == []
        return made.content

    def sections(self) -> dict[str, list[str]]:
        """The lines of each section but the empty ones."""
        return read_sections(self.content())

    def add_context(self, name: str, contexttype: str = "internal", **values: Any) -> None:
        """A context."""
        row = {"id": next(self._ids), "name": name, "contexttype": contexttype, "tenant_uuid": TENANT, **values}
        self.database.add(context, **row)

    def add_exten(self, context_name: str, exten: str, kind: str, typeval: object, **values: Any) -> None:
        """An extension."""
        row = {
            "id": next(self._ids),
            "context": context_name,
            "exten": exten,
            "type": kind,
            "typeval": str(typeval),
            **values,
        }
        self.database.add(extensions, **row)

    def add_feature(self, feature: str, exten: str, **values: Any) -> None:
        """A feature extension."""
        row = {"uuid": feature_uuid(feature), "feature": feature, "exten": exten, **values}
        self.database.add(feature_extension, **row)

    def add_feature_again(self, feature: str, exten: str) -> None:
        """A second row of a feature."""
        self.database.add(feature_extension, feature=feature, exten=exten)

    def add_user(self, number: int, **values: Any) -> None:
        """A user whose private template has his own number."""
        row = {"id": number, "uuid": user_uuid(number), "func_key_private_template_id": number, **values}
        self.database.add(userfeatures, **row)

    def add_line(self, number: int, name: str | None, technology: str = "", **values: Any) -> None:
        """A line with an endpoint: `sip`, `sccp`, `custom` or none. The endpoint is called like the line."""
        row: dict[str, Any] = {"id": number, "name": name, **values}
        if technology == "sip":
            row["endpoint_sip_uuid"] = user_uuid(number)
            self.database.add(endpoint_sip, uuid=user_uuid(number), name=name or f"sip-{number}")
        elif technology == "sccp":
            row["endpoint_sccp_id"] = number
            self.database.add(sccpline, id=number, name=name)
        elif technology == "custom":
            row["endpoint_custom_id"] = number
            self.database.add(usercustom, id=number, interface=name, category="user")
        self.database.add(linefeatures, **row)

    def tie(
        self, user: int, line: int, exten: int | None = None, main_user: bool = True, main_line: bool = True
    ) -> None:
        """Give a user a line, and the line its main extension."""
        self.database.add(user_line, user_id=user, line_id=line, main_user=main_user, main_line=main_line)
        if exten is not None:
            self.database.add(line_extension, line_id=line, extension_id=exten, main_extension=True)


def read_sections(content: str) -> dict[str, list[str]]:
    """The lines of each section but the empty ones; a section that comes twice goes on."""
    sections: dict[str, list[str]] = {}
    name = ""
    for line in content.split("\n"):
        if line.startswith("["):
            name = line[1:-1]
            sections.setdefault(name, [])
        elif line:
            sections[name].append(line)
    return sections
