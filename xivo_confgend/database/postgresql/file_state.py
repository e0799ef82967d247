"""What a file was made from: what it takes to know, later, whether a new generation would write the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from xivo_confgend.database.postgresql.state import DatabaseState
from xivo_confgend.database.postgresql.versions import Versions


class Mode(Enum):
    """What may spare a generation (rule R8 of docs/spec/44-exact-freshness.md)."""

    NEVER = "never"
    """Nothing."""
    SNAPSHOT = "snapshot"
    """That nothing at all was committed in the whole database."""
    TABLES = "tables"
    """That nothing was committed that concerns what the file was made from."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class FileState:
    """What a generation saw.

    `mode` and `reason`: what may spare the next one, and why not more than that. `versions`: the relations that were
    touched; `catalogues` and `tables` (by oid): their values, as `rows_value` gives them, those of tables only in the
    mode `tables`. `cost`: seconds of the generation.
    """

    moment: DatabaseState
    mode: Mode
    reason: str = ""
    versions: Versions = field(default_factory=lambda: Versions({}))
    catalogues: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[int, str | None] = field(default_factory=dict)
    cost: float = 0.0

    def at(self, moment: DatabaseState) -> FileState:
        """The same, for a later moment at which it still holds."""
        return dataclasses.replace(self, moment=moment)

    @property
    def names(self) -> tuple[str, ...]:
        """The relations that the file depends on."""
        return tuple(sorted(relation.name for relation in self.versions.relations.values() if relation.kind))


@dataclass(frozen=True)
class Known:
    """What was read at `moment`, for all files: nothing is to be read twice. `pace` as `predicted_cost` has it."""

    moment: DatabaseState | None = None
    catalogues: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[int, str | None] = field(default_factory=dict)
    pace: float = 1.0

    def at(self, moment: DatabaseState) -> Known:
        """What of it is true at `moment`.

        Nothing on a standby, where the text of a snapshot does not tell, nor once transaction numbers began again:
        what has to be looked at then depends on the file (rule R6).
        """
        same = self.moment is not None and self.moment.exact and moment.exact and moment.same_moment(self.moment)
        return self if same and not is_wrapped(moment) else Known(moment, pace=self.pace)

    def merged(self, newer: Known) -> Known:
        """Both, if they are of the same moment, or else the newer one."""
        if newer.moment is None:
            return self
        mine = self.at(newer.moment)
        return dataclasses.replace(
            newer,
            catalogues={**mine.catalogues, **newer.catalogues},
            tables={**mine.tables, **newer.tables},
        )


def is_wrapped(moment: DatabaseState) -> bool:
    """Whether the 32 bits of a transaction number that a row holds may have been another one's before."""
    return moment.next >= 1 << 32
