"""One driver run as the daemon runs it, in this process: for tests that look at a driver alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xivo_confgend.database.postgresql.session import bind, current_scope, session_scope

STATEMENT_TIMEOUT = 60.0


@dataclass
class Generated:
    """`content` as text, the number of `statements` the driver asked, the `warnings` it logged."""

    content: str
    statements: int = 0
    warnings: list[str] = field(default_factory=list)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def generate(driver: Any, uri: str, config: Mapping[str, Any] | None = None) -> Generated:
    """Make `driver` (a driver class) with `config`, call `generate()` on the database at `uri`.

    Raises whatever the driver raises.
    """
    engine = bind(uri, STATEMENT_TIMEOUT)
    collector = _Collector()
    logging.getLogger().addHandler(collector)
    try:
        with session_scope():
            content = driver(config or {}).generate()
            if isinstance(content, bytes):
                content = content.decode("utf-8")
            text = content if isinstance(content, str) else "".join(content)
            return Generated(text, current_scope().statements, collector.messages)
    finally:
        logging.getLogger().removeHandler(collector)
        engine.dispose()
