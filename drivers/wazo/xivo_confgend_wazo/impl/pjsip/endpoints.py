"""All SIP endpoints of the database with what they store and inherit, and the order of ancestors.

Plain data; what an endpoint's sections look like is said in `inheritance`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xivo_confgend.plugin_helpers.wording import counted
from xivo_confgend_wazo.impl.pjsip.collapse import Fragment

logger = logging.getLogger(__name__)

Parents = tuple[str, ...]
"""UUIDs of the direct parents, in order of priority."""


class Endpoint(NamedTuple):
    """One row of `endpoint_sip`; `transport` is a name."""

    uuid: str
    name: str
    label: str | None
    tenant_uuid: str
    transport: str | None
    template: bool | None


@dataclass
class Endpoints:
    """What the database holds on SIP endpoints, by UUID.

    `priorities`: the smallest of its links to parents, where there is one.
    `announcements`: the set_var lines of recordings, by tenant.
    `own`: options stored in each of the `SECTIONS`, by endpoint; those in `TYPES` end with their type. They may follow
    when the rest is known.
    """

    rows: Mapping[str, Endpoint]
    parents: dict[str, Parents]
    priorities: Mapping[str, int]
    announcements: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Fragment]] = field(default_factory=dict)

    def ancestors(self, parents: Iterable[str]) -> Iterator[str]:
        """`parents` and all theirs, each once and after its own: the order in which section 8.2 registers them."""
        for ancestor, _ in _walk(parents, self.parents):
            yield ancestor

    def break_circles(self) -> None:
        """Take away every link that makes an endpoint its own ancestor, with one warning that names the first.

        Which link of a circle goes depends on names only. Without them nothing of the circle could be written.
        """
        inherited = {parent for parents in self.parents.values() for parent in parents}
        broken = [
            (endpoint, parent)
            for endpoint, circular in _walk(sorted(inherited, key=self._name), self.parents)
            for parent in circular
        ]
        for endpoint, parent in broken:
            self.parents[endpoint] = tuple(uuid for uuid in self.parents[endpoint] if uuid != parent)
        if broken:
            endpoint, parent = broken[0]
            logger.warning(
                "circular inheritance: %s of endpoint_sip_template left out, first %s as parent of %s",
                counted(len(broken), "link"),
                ascii(self._name(parent)),
                ascii(self._name(endpoint)),
            )

    def _name(self, uuid: str) -> str:
        return self.rows[uuid].name


def _walk(start: Iterable[str], parents: Mapping[str, Parents]) -> Iterator[tuple[str, Collection[str]]]:
    """Each endpoint reached from `start`, after its parents, with those parents that are its descendants.

    Not recursive: how deep templates inherit is nobody's to limit.
    """
    done: set[str] = set()
    path: dict[str, list[str]] = {}
    waiting = [("", iter(start))]
    while waiting:
        endpoint, rest = waiting[-1]
        for parent in rest:
            if parent in path:
                path[endpoint].append(parent)
            elif parent not in done:
                path[parent] = []
                waiting.append((parent, iter(parents.get(parent, ()))))
                break
        else:
            waiting.pop()
            if endpoint:
                done.add(endpoint)
                yield endpoint, path.pop(endpoint)
