"""asterisk/queueskills.conf: the skills of the agents (docs/spec/22-queues.conf.md section 2).

Order: agents by id, their skills by id. Without any the content is empty.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from xivo_confgend.database import Session
from xivo_confgend.plugin_helpers.asterisk import SafeText, option
from xivo_confgend_wazo.meta import agentfeatures, agentqueueskill, queueskill

logger = logging.getLogger(__name__)


class QueueSkillsConf:
    """The driver of asterisk/queueskills.conf."""

    deterministic = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        pass

    def generate(self) -> Iterator[str]:
        """The content of the file."""
        statement = (
            select(agentfeatures.c.id, queueskill.c.id, queueskill.c.name, agentqueueskill.c.weight)
            .join_from(agentfeatures, agentqueueskill, agentqueueskill.c.agentid == agentfeatures.c.id)
            .join(queueskill, queueskill.c.id == agentqueueskill.c.skillid)
            .order_by(agentfeatures.c.id, queueskill.c.id)
        )
        safe = SafeText(logger)
        skills: defaultdict[int, list[str]] = defaultdict(list)
        for agent_id, skill_id, name, weight in Session.execute(statement):
            key = safe.key(name, "queueskill", skill_id, "name")
            skills[agent_id].append("" if key is None else option(key, weight))
        return safe.written(["\n".join(f"[agent-{agent_id}]\n{''.join(lines)}" for agent_id, lines in skills.items())])
