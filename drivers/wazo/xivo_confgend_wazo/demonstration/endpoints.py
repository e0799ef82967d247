"""Lines that do not speak SIP: SCCP phones with their devices, and custom endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from xivo_confgend_wazo.demonstration.company import Company, Line, token
from xivo_confgend_wazo.demonstration.writer import Row, Rows
from xivo_confgend_wazo.meta import sccpdevice, sccpline, usercustom

SCCP_COLUMNS = "id tenant_uuid name context cid_name cid_num disallow allow"


def content(company: Company) -> Iterator[Rows]:
    """The endpoints, numbered as their lines."""
    sccp = [line for line in company.lines if line.technology == "sccp"]
    custom = [line for line in company.lines if line.technology == "custom"]
    yield Rows(sccpline, SCCP_COLUMNS, map(_sccp_line, sccp))
    yield Rows(sccpdevice, "id name device line", map(_sccp_device, sccp))
    yield Rows(usercustom, "id tenant_uuid context interface category", map(_custom, custom))


def _sccp_line(line: Line) -> Row:
    user = line.user
    codecs = ("all", "ulaw,alaw") if user.id % 60 == 23 else (None, None)
    return line.id, user.tenant.uuid, line.name, user.context, user.name, user.exten, *codecs


def _sccp_device(line: Line) -> Row:
    name = f"SEP{token(8, 'device', line.id).encode().hex()[:12].upper()}"
    return line.id, name, name, line.name


def _custom(line: Line) -> Row:
    return line.id, line.user.tenant.uuid, line.user.context, line.name, "user"
