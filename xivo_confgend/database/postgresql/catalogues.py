"""What decides how a statement is understood: rows of the catalogues of functions, types, views and so on (rule R3).

A replaced view or function, a renamed label of an enum, a granted role, a new table that comes first in the search
path: each changes what a driver reads without touching a row that it read. Temporary objects do not count: only their
own session sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xivo_confgend.database.postgresql.rows import rows_value

SCHEMAS = r"SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_'"
RELATIONS = "SELECT oid FROM pg_class WHERE relpersistence = 't'"
NOT_IN_SCHEMA = "{} NOT IN (SELECT oid FROM schemas)"
NOT_OF_RELATION = "{} NOT IN (SELECT oid FROM relations)"
ALL = "true"
ROW_VERSIONS = {
    "pg_proc": NOT_IN_SCHEMA.format("x.pronamespace"),
    "pg_type": NOT_IN_SCHEMA.format("x.typnamespace"),
    "pg_enum": ALL,
    "pg_policy": NOT_OF_RELATION.format("x.polrelid"),
    "pg_rewrite": NOT_OF_RELATION.format("x.ev_class"),
    "pg_inherits": NOT_OF_RELATION.format("x.inhrelid"),
    "pg_cast": ALL,
    "pg_operator": NOT_IN_SCHEMA.format("x.oprnamespace"),
    "pg_aggregate": ALL,
    "pg_opclass": NOT_IN_SCHEMA.format("x.opcnamespace"),
    "pg_opfamily": NOT_IN_SCHEMA.format("x.opfnamespace"),
    "pg_amop": ALL,
    "pg_amproc": ALL,
    "pg_collation": NOT_IN_SCHEMA.format("x.collnamespace"),
    "pg_conversion": NOT_IN_SCHEMA.format("x.connamespace"),
    "pg_range": ALL,
    "pg_language": ALL,
    "pg_namespace": NOT_IN_SCHEMA.format("x.oid"),
    "pg_attrdef": NOT_OF_RELATION.format("x.adrelid"),
    "pg_constraint": NOT_IN_SCHEMA.format("x.connamespace"),
    "pg_ts_config": NOT_IN_SCHEMA.format("x.cfgnamespace"),
    "pg_ts_config_map": ALL,
    "pg_ts_dict": NOT_IN_SCHEMA.format("x.dictnamespace"),
    "pg_ts_parser": NOT_IN_SCHEMA.format("x.prsnamespace"),
    "pg_ts_template": NOT_IN_SCHEMA.format("x.tmplnamespace"),
    "pg_transform": ALL,
    "pg_extension": ALL,
    "pg_foreign_data_wrapper": ALL,
    "pg_foreign_server": ALL,
    "pg_foreign_table": NOT_OF_RELATION.format("x.ftrelid"),
    "pg_auth_members": ALL,
    "pg_db_role_setting": ALL,
    "pg_database": "x.datname = current_database()",
    "pg_attribute": """x.attrelid IN (SELECT oid FROM pg_class WHERE relkind IN ('c', 'v', 'p', 'f')
                       AND relpersistence <> 't')""",
    "pg_class": "x.relkind IN ('v', 'p', 'f') AND x.relpersistence <> 't'",
}
"""Catalogues whose row versions count, and which rows of them. Of pg_class and pg_attribute those of relations without
storage: the server does not count who reads them, so a savepoint that is rolled back hides that (see `versions`)."""
ROLES = "SELECT 'pg_roles', concat_ws('+', count(*), sum(hashtextextended(x::text, 0))) FROM pg_roles x"
"""Hashed themselves: pg_authid, behind this view, is not for everyone to read."""
NAMES = f"""
SELECT 'names of relations', concat_ws('+', count(*),
       sum(hashtextextended(x.relname::text, x.oid::bigint # (x.relnamespace::bigint << 32))))
FROM pg_class x
WHERE x.relkind NOT IN ('i', 'I', 't') AND {NOT_IN_SCHEMA.format("x.relnamespace")}
"""
"""Not row versions: a TRUNCATE of an unrelated table makes a new one in pg_class, and gives no name another meaning."""


def read_catalogues(cursor: Any, oldest: int | None = None) -> dict[str, str]:
    """The value of each catalogue, by name, as the snapshot of this transaction shows it.

    `oldest`: as for `rows_value`. Raises psycopg2.Error, for example if a catalogue must not be read.
    """
    version = cursor.connection.server_version
    value = rows_value("x", version, oldest)
    parts = [f"SELECT '{name}', {value} FROM {name} x WHERE {where}" for name, where in ROW_VERSIONS.items()]
    everything = " UNION ALL ".join([*parts, ROLES, NAMES])
    cursor.execute(f"WITH schemas AS MATERIALIZED ({SCHEMAS}), relations AS MATERIALIZED ({RELATIONS}) {everything}")
    return dict(cursor.fetchall())


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The names of the catalogues that are not the same in both."""
    return [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
