"""asterisk/queueskillrules.conf: the rules that pick agents by skill (docs/spec/22-queues.conf.md section 3).

Order: by id. Without any the content is empty.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText, option
from xivo_confgend_wazo.meta import queueskillrule

logger = logging.getLogger(__name__)


class QueueSkillRulesConf:
    """The driver of asterisk/queueskillrules.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file."""
        safe = SafeText(logger)
        sections = []
        statement = select(queueskillrule.c.id, queueskillrule.c.rule).order_by(queueskillrule.c.id)
        for rule_id, rule in Session.execute(statement):
            parts = [] if rule is None else rule.split(";")
            lines = "".join(option("rule", safe.value(part, "queueskillrule", rule_id, "rule")) for part in parts)
            sections.append(f"[skillrule-{rule_id}]\n{lines}")
        return safe.written(["\n".join(sections)])
