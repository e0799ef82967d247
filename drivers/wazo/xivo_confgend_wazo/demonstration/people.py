"""Users, what they are called, their lines and voicemail boxes."""

from __future__ import annotations

from collections.abc import Iterator

from xivo_confgend_wazo.demonstration.company import Company, Line, User, pick, token
from xivo_confgend_wazo.demonstration.sip import endpoint_uuid, template_uuid
from xivo_confgend_wazo.demonstration.writer import Row, Rows, array
from xivo_confgend_wazo.meta import (
    func_key_template,
    line_extension,
    linefeatures,
    tenant,
    user_line,
    userfeatures,
    voicemail,
)

CREATED_AT = "2026-06-01 08:00:00"

VOICEMAIL_OPTIONS = (
    (("saycid", "yes"),),
    (("saycid", "yes"), ("review", "no")),
    (("emailsubject", "Nouveau message pour vous"), ("emailbody", "Bonjour ${VM_NAME},\nun message vous attend.")),
)

TENANT_COLUMNS = (
    "uuid slug sip_templates_generated global_sip_template_uuid webrtc_sip_template_uuid"
    " registration_trunk_sip_template_uuid meeting_guest_sip_template_uuid twilio_trunk_sip_template_uuid"
    " country record_start_announcement record_stop_announcement"
)
USER_COLUMNS = (
    "id uuid firstname lastname email voicemailid agentid tenant_uuid callerid simultcalls enablehint"
    " enablevoicemail enableonlinerec musiconhold outcallerid mobilephonenumber language commented"
    " func_key_template_id func_key_private_template_id created_at description"
)
LINE_COLUMNS = (
    "id device configregistrar name number context provisioningid commented"
    " endpoint_sip_uuid endpoint_sccp_id endpoint_custom_id"
)
VOICEMAIL_COLUMNS = (
    "uniqueid context mailbox password fullname email pager language tz attach deletevoicemail maxmsg"
    " skipcheckpass options commented accesstype"
)


def content(company: Company) -> Iterator[Rows]:
    """Tenants, users with their templates of function keys, lines, boxes."""
    yield Rows(tenant, TENANT_COLUMNS, _tenants(company))
    yield Rows(func_key_template, "id tenant_uuid name private", _key_templates(company))
    yield Rows(userfeatures, USER_COLUMNS, map(_user, company.users, [company] * len(company.users)))
    yield Rows(linefeatures, LINE_COLUMNS, map(_line, company.lines))
    yield Rows(user_line, "user_id line_id main_user main_line", _user_lines(company))
    yield Rows(
        line_extension,
        "line_id extension_id main_extension",
        ((line.id, line.user.id, True) for line in company.lines),
    )
    yield Rows(voicemail, VOICEMAIL_COLUMNS, _voicemails(company))


def is_disabled(user: User) -> bool:
    """Whether somebody switched this user off."""
    return user.id % 97 == 96


def _tenants(company: Company) -> Iterator[Row]:
    templates = ("global", "webrtc", "registration_trunk", "meeting_guest", "twilio_trunk")
    for firm in company.tenants:
        yield (
            firm.uuid,
            firm.slug,
            True,
            *(template_uuid(firm, name) for name in templates),
            firm.country,
            firm.start_sound,
            firm.stop_sound,
        )


def _key_templates(company: Company) -> Iterator[Row]:
    for user in company.users:
        yield user.id, user.tenant.uuid, None, True
    for firm in company.tenants:
        yield shared_key_template(company, firm.number), firm.uuid, "reception", False


def shared_key_template(company: Company, tenant_number: int) -> int:
    """Id of the template of function keys that the users of a tenant share."""
    return len(company.users) + tenant_number


def _user(user: User, company: Company) -> Row:
    return (
        user.id,
        user.uuid,
        user.first,
        user.last,
        f"{user.exten}@{user.tenant.slug}.example.com",
        user.voicemail,
        user.agent,
        user.tenant.uuid,
        f'"{user.name}"',
        pick((1, 2, 5, 5, 5), "simultcalls", user.id),
        0 if user.id % 40 == 39 else 1,
        0 if user.voicemail is None else 1,
        1 if user.id % 10 == 4 else 0,
        f"moh-{user.tenant.slug}-1" if user.id % 6 == 1 else "",
        "anonymous" if user.id % 25 == 8 else "default",
        f"+336{user.id:08}" if user.id % 4 == 1 else "",
        user.language,
        1 if is_disabled(user) else 0,
        shared_key_template(company, user.tenant.number) if user.id % 9 == 5 else None,
        user.id,
        CREATED_AT,
        "",
    )


def _line(line: Line) -> Row:
    user = line.user
    return (
        line.id,
        "",
        "default",
        line.name,
        user.exten,
        user.context,
        100_000 + line.id,
        1 if is_disabled(user) else 0,
        endpoint_uuid("line", line.id) if line.technology == "sip" else None,
        line.id if line.technology == "sccp" else None,
        line.id if line.technology == "custom" else None,
    )


def _user_lines(company: Company) -> Iterator[Row]:
    for line in company.lines:
        yield line.user.id, line.id, True, line.main
        if line.user.id % 100 == 52 and line.main and line.user.id < len(company.users):
            yield line.user.id + 1, line.id, False, False  # somebody next door answers this phone too


def _voicemails(company: Company) -> Iterator[Row]:
    for user in company.users:
        if user.voicemail is not None:
            yield _personal(user)
    for firm in company.tenants:
        number = len(company.users) + firm.number
        fixed = (None, None, None, None, 1, 0, None, 1, "{}", 0, "global")
        yield number, firm.internal, "9999", token(4, "voicemail", number), "Boîte commune", *fixed


def _personal(user: User) -> Row:
    number = user.id
    return (
        user.voicemail,
        user.context,
        user.exten,
        str(1000 + pick(range(9000), "voicemail", number)),
        user.name,
        f"{user.exten}@{user.tenant.slug}.example.com" if number % 3 else None,
        f"06{number:08}@pager.example.com" if number % 30 == 4 else None,
        user.language,
        pick(("eu-fr", "de-berlin", "ca-toronto", None), "tz", number),
        pick((0, 1, None), "attach", number),
        1 if number % 11 == 10 else 0,
        pick((10, 100, None, None), "maxmsg", number),
        1 if number % 2 else 0,
        array(pick(VOICEMAIL_OPTIONS, "options", number)) if number % 10 == 1 else "{}",
        1 if is_disabled(user) else 0,
        "personal",
    )
