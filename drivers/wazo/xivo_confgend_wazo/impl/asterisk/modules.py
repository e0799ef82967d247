"""asterisk/modules.conf: which modules Asterisk does not load (docs/spec/24-features-parking-moh-modules.md section 4).

Made from the configuration alone: `enabled_asterisk_modules`, and the template that `templates.modulesconf` names, or
`modules.conf.jinja2` in `templates.directory`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xivo_confgend.plugin_helpers.templates import Template, file_candidates, load_template
from xivo_confgend_wazo.impl.templates import TEMPLATES

SHIPPED = TEMPLATES / "modules.conf.jinja2"
"""Stands in where the administrators have none."""


class ModulesConf:
    """The driver of asterisk/modules.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def dependencies(self) -> Iterable[str | Path]:
        """The template's file, or those where it is looked for."""
        return self._candidates()

    def generate(self) -> str:
        """The content of the file.

        Raises TemplateError naming file and line, and ValueError if the modules are no mapping.
        """
        return self._template().dump({"modules": self._disabled()})

    def check(self) -> Iterable[str]:
        """Nothing. Raises TemplateError and ValueError as `generate` does."""
        self._template()
        self._disabled()
        return ()

    def _template(self) -> Template:
        candidates = self._candidates()
        return load_template(next((path for path in candidates if path.exists()), candidates[-1]))

    def _candidates(self) -> list[Path]:
        return file_candidates(self._config, "modulesconf", SHIPPED, optional=True)

    def _disabled(self) -> list[str]:
        """The names that are switched off, sorted by code point."""
        modules = self._config.get("enabled_asterisk_modules") or {}
        if not isinstance(modules, Mapping):
            raise ValueError("configuration key enabled_asterisk_modules: expected a mapping of names to true or false")
        return sorted(str(name) for name, enabled in modules.items() if not enabled)
