"""Rows of SIP endpoints and of what uses them, written the way the examples of docs/spec/10-pjsip.conf.md are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from integration_tests.suite.helpers.scratch import Scratch
from xivo_confgend_wazo.meta import (
    asterisk_file,
    asterisk_file_section,
    asterisk_file_variable,
    endpoint_sip,
    endpoint_sip_section,
    endpoint_sip_section_option,
    endpoint_sip_template,
    extensions,
    line_extension,
    linefeatures,
    meeting,
    pjsip_transport,
    pjsip_transport_option,
    tenant,
    trunkfeatures,
    user_line,
    userfeatures,
    voicemail,
)

NAMESPACE = UUID("3f0e2a38-1f0b-4c5e-8d61-0f3d4a5b6c7d")
T1 = "11111111-0000-4000-8000-000000000001"
T2 = "22222222-0000-4000-8000-000000000002"

Options = Sequence[tuple[str, str]]


def uuid_of(name: str) -> str:
    """The UUID of what has this name."""
    return str(uuid5(NAMESPACE, ascii(name)))


class SIPRows:
    """Writes rows into a scratch database; names stand for UUIDs."""

    def __init__(self, database: Scratch) -> None:
        self._database = database

    def tenants(self, start: str | None = "rec-on", stop: str | None = "") -> None:
        """T1 with these announcements, T2 without."""
        self._database.add(tenant, uuid=T1, record_start_announcement=start, record_stop_announcement=stop)
        self._database.add(tenant, uuid=T2)

    def stored_file(self, name: str, sections: Mapping[str, Options]) -> None:
        """A stored file with these sections in this order."""
        self._database.add(asterisk_file, id=1, name=name)
        for place, (section, options) in enumerate(sections.items(), 1):
            self._database.add(asterisk_file_section, id=place, name=section, priority=place, asterisk_file_id=1)
            for key, value in options:
                self._database.add(asterisk_file_variable, key=key, value=value, asterisk_file_section_id=place)

    def transport(self, name: str, options: Options = ()) -> None:
        """A transport."""
        self._database.add(pjsip_transport, uuid=uuid_of(name), name=name)
        for key, value in options:
            self._database.add(pjsip_transport_option, key=key, value=value, pjsip_transport_uuid=uuid_of(name))

    def endpoint(
        self,
        name: str,
        parents: Sequence[str] = (),
        tenant_uuid: str = T1,
        transport: str | None = None,
        label: str | None = None,
        template: bool | None = False,
        **sections: Options,
    ) -> None:
        """An endpoint with the options of its `sections`, and its links to `parents`."""
        uuid = uuid_of(name)
        self._database.add(
            endpoint_sip,
            uuid=uuid,
            name=name,
            label=label,
            tenant_uuid=tenant_uuid,
            transport_uuid=transport and uuid_of(transport),
            template=template,
        )
        for section, options in sections.items():
            section_uuid = uuid_of(f"{name} {section}")
            self._database.add(endpoint_sip_section, uuid=section_uuid, type=section, endpoint_sip_uuid=uuid)
            for key, value in options:
                self._database.add(
                    endpoint_sip_section_option, key=key, value=value, endpoint_sip_section_uuid=section_uuid
                )
        self.inherit(name, parents)

    def template(self, name: str, parents: Sequence[str] = (), **values: Any) -> None:
        """An endpoint that is a template."""
        self.endpoint(name, parents, template=True, **values)

    def inherit(self, name: str, parents: Iterable[str]) -> None:
        """Links from the endpoint `name` to `parents`."""
        for place, parent in enumerate(parents):
            self._database.add(
                endpoint_sip_template, child_uuid=uuid_of(name), parent_uuid=uuid_of(parent), priority=place
            )

    def line(self, number: int, endpoint: str, context: str = "ctx-a", application_uuid: str | None = None) -> None:
        """A line."""
        self._database.add(
            linefeatures,
            id=number,
            name=str(number),
            context=context,
            application_uuid=application_uuid,
            endpoint_sip_uuid=uuid_of(endpoint),
        )

    def user(self, number: int, uuid: str, line: int, main: bool = True, **values: Any) -> None:
        """A user of `line`."""
        self._database.add(userfeatures, id=number, uuid=uuid, func_key_private_template_id=number, **values)
        self._database.add(user_line, user_id=number, line_id=line, main_user=main, main_line=True)

    def extension(self, line: int, exten: str, context: str, main: bool = True) -> None:
        """An extension of `line`."""
        number = int(exten)
        self._database.add(extensions, id=number, exten=exten, context=context, type="user")
        self._database.add(line_extension, line_id=line, extension_id=number, main_extension=main)

    def voicemail(self, number: int, mailbox: str, context: str) -> None:
        """A voicemail box."""
        self._database.add(voicemail, uniqueid=number, mailbox=mailbox, context=context)

    def trunk(self, number: int, endpoint: str, context: str | None = None) -> None:
        """A trunk."""
        self._database.add(trunkfeatures, id=number, endpoint_sip_uuid=uuid_of(endpoint), context=context)

    def meeting(self, uuid: str, endpoint: str, name: str | None) -> None:
        """A meeting."""
        self._database.add(meeting, uuid=uuid, number=uuid, guest_endpoint_sip_uuid=uuid_of(endpoint), name=name)
