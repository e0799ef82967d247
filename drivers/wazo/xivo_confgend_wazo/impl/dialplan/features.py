"""The feature extensions of the dialplan: the section xivo-features, the forwards, the prefixes of function keys.

Rules of docs/spec/20-extensions.conf.md sections 6 and 7. Order: by extension, as the database sorts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.sql.expression import Select

from xivo_confgend_wazo.impl.dialplan.hints import Prefixes
from xivo_confgend_wazo.impl.dialplan.patterns import clean
from xivo_confgend_wazo.impl.queries.large_results import Reader, Source, without
from xivo_confgend_wazo.meta import feature_extension

logger = logging.getLogger(__name__)

ACTIONS = {
    "agentstaticlogin": "GoSub(agentstaticlogin,s,1(${EXTEN:3}))",
    "agentstaticlogoff": "GoSub(agentstaticlogoff,s,1(${EXTEN:3}))",
    "agentstaticlogtoggle": "GoSub(agentstaticlogtoggle,s,1(${EXTEN:3}))",
    "autoprov": "GoSub(autoprov,s,1())",
    "bsfilter": "GoSub(bsfilter,s,1(${EXTEN:3}))",
    "calllistening": "GoSub(calllistening,s,1())",
    "callrecord": "GoSub(callrecord,s,1() )",
    "directoryaccess": "Directory(${CONTEXT})",
    "enablednd": "GoSub(enablednd,s,1())",
    "enablevm": "GoSub(enablevm,s,1())",
    "enablevmslt": "GoSub(enablevm,s,1(${EXTEN:3}))",
    "fwdbusy": "GoSub(feature_forward,s,1(busy,${EXTEN:3}))",
    "fwdrna": "GoSub(feature_forward,s,1(rna,${EXTEN:3}))",
    "fwdunc": "GoSub(feature_forward,s,1(unc,${EXTEN:3}))",
    "fwdundoall": "GoSub(fwdundoall,s,1())",
    "groupmemberjoin": "GoSub(group-member-join,s,1(${EXTEN:3}))",
    "groupmemberleave": "GoSub(group-member-leave,s,1(${EXTEN:3}))",
    "groupmembertoggle": "GoSub(group-member-toggle,s,1(${EXTEN:3}))",
    "incallfilter": "GoSub(incallfilter,s,1())",
    "meetingjoin": "GoSub(meetingjoin,s,1(${EXTEN:3}))",
    "paging": "GoSub(paging,s,1(${EXTEN:3}))",
    "phoneprogfunckey": "GoSub(phoneprogfunckey,s,1(${EXTEN:0:4},${EXTEN:4}))",
    "phonestatus": "GoSub(phonestatus,s,1())",
    "pickup": "GoSub(wazo-pickup,s,1(${EXTEN:2},${CONTEXT}))",
    "recsnd": "GoSub(recsnd,s,1(wav))",
    "vmboxmsgslt": "GoSub(vmboxmsg,s,1(${EXTEN:3}))",
    "vmboxpurgeslt": "GoSub(vmboxpurge,s,1(${EXTEN:3}))",
    "vmboxslt": "GoSub(vmbox,s,1(${EXTEN:3}))",
    "vmusermsg": "GoSub(vmusermsg,s,1())",
    "vmuserpurge": "GoSub(vmuserpurge,s,1())",
    "vmuserpurgeslt": "GoSub(vmuserpurge,s,1(${EXTEN:3}))",
    "vmuserslt": "GoSub(vmuser,s,1(${EXTEN:3}))",
}
"""Where a call to the extension of a feature goes; other features are none of the dialplan's."""

FORWARDS = {"fwdbusy": "busy", "fwdrna": "rna", "fwdunc": "unc"}
"""The features of the forwards block, in its order, and what they forward."""


class Feature(NamedTuple):
    """A row of `feature_extension`."""

    uuid: str
    exten: str
    feature: str
    enabled: bool


@cache
def all_features() -> Select[Any]:
    """Every row of `feature_extension`."""
    columns = feature_extension.c
    return select(columns.uuid, columns.exten, columns.feature, columns.enabled).order_by(columns.exten)


class Features:
    """The feature extensions of one generation. Reads what `all_features` asks when it is made."""

    def __init__(self, reader: Reader) -> None:
        exten = Source("feature_extension", 0, "exten")
        rows = without(",", 1, reader.read(all_features(), {1: exten}), exten, reader.safe)
        self._features = [Feature(*row) for row in rows]

    def dialled(self) -> tuple[list[str], list[str]]:
        """Extensions and actions of the section xivo-features."""
        shown = [row for row in self._features if row.enabled and row.feature in ACTIONS]
        return [row.exten for row in shown], [ACTIONS[row.feature] for row in shown]

    def forwards(self) -> Iterator[str]:
        """The block of the forwards; of several rows for one the last counts, none is as a disabled one (Q2)."""
        last = {row.feature: row for row in self._features}
        missing = [feature for feature in FORWARDS if feature not in last]
        if missing and last:
            logger.warning("feature_extension has no row for %s: not forwarded", ", ".join(missing))
        for feature, kind in FORWARDS.items():
            if feature in last and last[feature].enabled:
                exten = clean(last[feature].exten)
                yield (
                    f"exten = {exten},1,Set(__WAZO_BASE_CONTEXT=${{CONTEXT}})\n"
                    f"exten = {exten},n,Set(__XIVO_BASE_EXTEN=${{EXTEN}})\n"
                    f"exten = {exten},n,Gosub(feature_forward,s,1({kind}))\n"
                )

    def prefixes(self) -> Prefixes:
        """What function keys and call filters begin with, whether enabled or not."""
        return Prefixes(function_key=self._prefix("phoneprogfunckey"), call_filter=self._prefix("bsfilter"))

    def _prefix(self, feature: str) -> str:
        """Of several rows the first counts (Q3)."""
        rows = [row for row in self._features if row.feature == feature]
        if len(rows) > 1:
            logger.warning("%d rows of feature_extension are for %s: %s counts", len(rows), feature, rows[0].uuid)
        return clean(rows[0].exten) if rows else ""
