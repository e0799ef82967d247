"""Which relations a transaction has touched, and in which versions: rules R2 and R4 of docs/spec/44-exact-freshness.md.

TRUNCATE, rewriting ALTER TABLE and everything that goes by a name look at the catalogues of now, whatever the snapshot
of the transaction is. Two `Versions`, one as the snapshot of a generation shows it and one of a later transaction, are
equal only if nothing of the kind was committed in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xivo_confgend.database.postgresql.rows import rows_value

FIRST_NORMAL_OID = 16384
"""Below are the system's own relations: https://www.postgresql.org/docs/current/system-catalog-initial-data.html"""
VOLATILE_KINDS = {"f": "foreign table", "S": "sequence"}
"""Relations whose content changes without a new snapshot."""
LOCKABLE_KINDS = frozenset("rp")
KINDS_WITH_ROWS = frozenset("rm")
"""Those whose rows are their own; TOAST tables hold parts of values, which are never changed in place."""

COUNTER = (
    "pg_stat_get_xact_numscans({0}) + pg_stat_get_xact_tuples_returned({0}) + pg_stat_get_xact_blocks_fetched({0})"
)
COUNTERS_STATEMENT = f"""
SELECT oid::bigint, {COUNTER.format("oid")}
FROM pg_class
WHERE oid >= {FIRST_NORMAL_OID} AND {COUNTER.format("oid")} > 0
"""
LOCKED_STATEMENT = """
SELECT coalesce(array_agg(relation::bigint), '{}')
FROM pg_lock_status() WHERE locktype = 'relation' AND pid = pg_backend_pid()
"""
"""The function behind the view pg_locks: each statement locks the relations that it names."""
COUNTED = f"c.oid >= {FIRST_NORMAL_OID} AND {COUNTER.format('c.oid')} > coalesce(b.counted, 0)"
TOUCHED = """
SELECT DISTINCT coalesce(i.indrelid, t.oid)
FROM (SELECT unnest(%(locked)s::oid[])
      UNION
      SELECT c.oid FROM pg_class c
      LEFT JOIN unnest(%(oids)s::oid[], %(counts)s::bigint[]) b(oid, counted) USING (oid)
      WHERE {counted}) t(oid)
LEFT JOIN pg_index i ON i.indexrelid = t.oid
"""
GIVEN = "SELECT unnest(%(oids)s::oid[])"
VERSIONS = """
SELECT t.oid::bigint, coalesce(c.relkind::text, ''), coalesce(c.oid::regclass::text, t.oid::text),
       CASE WHEN c.relfilenode IN (0, pg_relation_filenode(t.oid)) THEN concat_ws('/', {pg_class},
           (SELECT {pg_attribute} FROM pg_attribute a WHERE a.attrelid = t.oid),
           (SELECT {pg_inherits} FROM pg_inherits h WHERE t.oid IN (h.inhparent, h.inhrelid))) END,
       coalesce(has_table_privilege(c.oid, 'SELECT'), false),
       coalesce(greatest(c.reltuples, 0)::bigint, 0),
       coalesce(c.relpages, 0)::bigint * current_setting('block_size')::bigint
FROM ({touched}) t(oid)
LEFT JOIN pg_class c ON c.oid = t.oid
"""
TEMPORARY = r"SELECT n.oid FROM pg_namespace n WHERE n.nspname ~ '^pg_(toast_)?temp_'"
CHANGED_SINCE_STATEMENT = f"""
SELECT oid::regclass::text FROM pg_class
WHERE age(xmin) BETWEEN 0 AND age(%(oldest)s::text::xid) AND relnamespace NOT IN ({TEMPORARY}) ORDER BY 1
"""


@dataclass(frozen=True)
class Relation:
    """`name` as SQL writes it; `kind` as pg_class has it, empty if the relation is not there.

    `version`: the rows of the catalogues that make it what it is; None if a snapshot that is older than its present
    content would show it wrongly. `rows` and `size` (bytes) are those of the server's statistics.
    """

    oid: int
    kind: str
    name: str
    version: str | None
    readable: bool
    rows: int
    size: int


@dataclass(frozen=True)
class Versions:
    """Relations by oid."""

    relations: Mapping[int, Relation]

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[int, str, str, str | None, bool, int, int]]) -> Versions:
        """Of the rows that `VERSIONS` gives."""
        return cls({row[0]: Relation(*row) for row in rows})

    def volatile(self) -> list[str]:
        """What the relations are that change without a new snapshot."""
        return [f"{VOLATILE_KINDS[r.kind]} {r.name}" for r in self.relations.values() if r.kind in VOLATILE_KINDS]

    def with_rows(self) -> list[Relation]:
        """The relations that hold rows of their own."""
        return [relation for relation in self.relations.values() if relation.kind in KINDS_WITH_ROWS]

    def lockable(self) -> set[str]:
        """The tables that LOCK TABLE takes from us; it refuses other kinds of relations."""
        return {
            relation.name
            for relation in self.relations.values()
            if relation.kind in LOCKABLE_KINDS and relation.readable and relation.oid >= FIRST_NORMAL_OID
        }

    def differences(self, later: Versions) -> list[Relation]:
        """The relations, as `later` shows them, that are not the same in both."""
        return [
            relation
            for oid, relation in later.relations.items()
            if relation.version is None or self.relations[oid].version != relation.version
        ]


def read_counters(cursor: Any) -> dict[int, int]:
    """What the server has counted in this transaction, or not yet added to its statistics of before, by oid."""
    cursor.execute(COUNTERS_STATEMENT)
    return dict(cursor.fetchall())


def read_locked(cursor: Any) -> set[int]:
    """The oids of the relations that this transaction has locked, indexes too."""
    cursor.execute(LOCKED_STATEMENT)
    return set(cursor.fetchone()[0])


def read_touched(cursor: Any, locked_before: Collection[int], counted_before: Mapping[int, int]) -> Versions:
    """The relations that this transaction has read, as its snapshot shows them.

    `counted_before`: what `read_counters` gave when it began; `locked_before`: what `read_locked` gave before a
    savepoint was rolled back. Locks are not enough: that gives them back, and so does a block of PL/pgSQL that ends in
    an exception.
    """
    locked = read_locked(cursor) | set(locked_before)
    counted = {"oids": list(counted_before), "counts": list(counted_before.values())}
    cursor.execute(_versions(cursor, TOUCHED.format(counted=COUNTED)), {"locked": list(locked), **counted})
    return Versions.from_rows(cursor.fetchall())


def read_again(cursor: Any, oids: Collection[int], oldest: int | None = None) -> Versions:
    """The relations `oids` as a new statement shows them, those that are gone too; `oldest`: as for `rows_value`."""
    cursor.execute(_versions(cursor, GIVEN, oldest), {"oids": list(oids)})
    return Versions.from_rows(cursor.fetchall())


def changed_since(cursor: Any, oldest: int) -> list[str]:
    """The names of all relations with a new version since the transaction `oldest` (64 bits), the oldest of a snapshot.

    Stands in for a comparison where a failed statement has taken locks and counters away.
    """
    cursor.execute(CHANGED_SINCE_STATEMENT, {"oldest": oldest % (1 << 32)})
    return [name for (name,) in cursor.fetchall()]


def _versions(cursor: Any, touched: str, oldest: int | None = None) -> str:
    version = cursor.connection.server_version
    catalogues = {"pg_class": "c", "pg_attribute": "a", "pg_inherits": "h"}
    values = {catalogue: rows_value(alias, version, oldest) for catalogue, alias in catalogues.items()}
    # Of pg_class there is one row.
    values["pg_class"] = f"(SELECT {rows_value('o', version, oldest)} FROM pg_class o WHERE o.oid = t.oid)"
    return VERSIONS.format(touched=touched, **values)
