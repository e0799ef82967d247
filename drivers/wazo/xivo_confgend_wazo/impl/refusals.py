"""Warnings of rows that administrators keep in the database and over which Asterisk refuses a module.

Such rows are written all the same: unlike rows of a tenant, they concern the whole PBX anyway
(docs/spec/43-asterisk-fetching.md, "What one bad object does").
"""

from __future__ import annotations

import logging

from xivo_confgend.plugin_helpers.asterisk_modules import problems
from xivo_confgend.plugin_helpers.asterisk_reader import read


def warn_of_refusals(filename: str, text: str, table: str, logger: logging.Logger) -> None:
    """Log what the module that reads `filename` refuses in `text`, which was made of rows of `table`.

    Values are left out of the warnings: they may be secrets.
    """
    for problem in problems(filename, read(text).resolved()):
        option = problem.option.partition(" = ")[0]
        place = f"section [{problem.section}]{option and f', option {option}'}"
        warning = f"{table} of {filename}, {place}: {problem.text}: {problem.effect}"
        # Asterisk cuts a name at a byte, which may be the middle of a character
        logger.warning("%s", warning.encode("utf-8", "replace").decode("utf-8"))
