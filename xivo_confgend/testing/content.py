"""Assertions on generated texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xivo_confgend.plugin_helpers.asterisk_reader import AsteriskFile


def assert_asterisk_conf(text: str, warnings: bool = True) -> AsteriskFile:
    """Fail unless Asterisk reads `text` as it is meant; returns what it reads, for further assertions.

    Each finding of `xivo-confgend check-driver` is in the message. `warnings=False` lets those pass
    that are only doubtful: one section twice, an unknown escape, a value with a comment behind it.
    Raises AssertionError.
    """
    from xivo_confgend.driver_check.content import check
    from xivo_confgend.driver_check.findings import Level
    from xivo_confgend.names import FileName
    from xivo_confgend.plugin_helpers.asterisk_reader import read

    __tracebackhide__ = True
    least = Level.WARNING if warnings else Level.ERROR
    found = [finding for finding in check(FileName("asterisk", "content.conf"), text) if finding.level >= least]
    if found:
        lines = [f"{finding.level}: {finding.text}; {finding.remedy}" for finding in found]
        raise AssertionError("Asterisk would not read this as it is meant:\n" + "\n".join(lines))
    return read(text)
