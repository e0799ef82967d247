"""asterisk/musiconhold.conf: the classes of music on hold (docs/spec/24-features-parking-moh-modules.md section 3).

Rendered from the template `asterisk/musiconhold.jinja`, which administrators may replace. Order: by name, compared by
code point.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText
from xivo_confgend.plugin_helpers.templates import TemplateHelper
from xivo_confgend_wazo.impl.queries.safe_rows import safe_rows, select_named
from xivo_confgend_wazo.impl.templates import TEMPLATES
from xivo_confgend_wazo.meta import moh

logger = logging.getLogger(__name__)

TEMPLATE = "asterisk/musiconhold"
BASE_DIRECTORY = "/var/lib/asterisk/moh"
RESERVED = ("general", "default")
"""Sections that are no classes of the database."""
SORT_MAP = {"alphabetical": "alpha", "random_start": "randstart"}
COLUMNS = {name: moh.c[name] for name in ("uuid", "tenant_uuid", "name", "label", "mode", "application", "sort")}


class MusicOnHoldConf:
    """The driver of asterisk/musiconhold.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._templates = TemplateHelper(config, TEMPLATES)

    def dependencies(self) -> Iterable[str | Path]:
        """The template's files."""
        return self._templates.dependencies(TEMPLATE)

    def check(self) -> Iterable[str]:
        """Nothing. Raises TemplateError if the template is missing or has a syntax error."""
        self._templates.get_template(TEMPLATE)
        return ()

    def generate(self) -> Iterator[str]:
        """The content of the file. Raises TemplateError naming file and line."""
        safe = SafeText(logger)
        rows = Session.execute(select_named(COLUMNS).order_by(moh.c.name.collate("C"))).all()
        # Asterisk compares the names of classes without case
        names = safe.section_names([(row.uuid, row.name) for row in rows], "moh", "name", RESERVED, ignore_case=True)
        variables = {
            "base_directory": BASE_DIRECTORY,
            "moh_list": list(safe_rows(COLUMNS, rows, safe, names)),
            "sort_map": SORT_MAP,
        }
        return safe.written([self._templates.get_template(TEMPLATE).dump(variables)])
