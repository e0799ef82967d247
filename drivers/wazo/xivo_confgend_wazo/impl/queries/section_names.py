"""Names of sections from a column of a table, without those that Asterisk would refuse or read as another name."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Column

from xivo_confgend.plugin_helpers.asterisk import Claim, SafeText

Row = int | str


def section_names(
    rows: Iterable[tuple[Row, str]],
    column: Column[str],
    safe: SafeText,
    reserved: Iterable[str] = (),
    ignore_case: bool = False,
) -> dict[Row, str]:
    """Name as it is written, by primary key, for the `rows` (primary key, name) that can be sections of one file.

    `column`: where the names are stored. `reserved`, `ignore_case`: see `SafeText.repeated_names`.
    """
    table = column.table.name
    claims = []
    for row, name in rows:
        written = safe.section_name(name, table, row, column.name)
        if written is not None:
            claims.append(Claim(written, row, table, column.name))
    repeated = safe.repeated_names(claims, reserved, ignore_case)
    return {claim.row: claim.name for claim in claims if claim not in repeated}
