"""What a PBX has before anybody works on it: settings, stored files, features.

The rows are those of a freshly installed Wazo, a few more in the stored files, and this company's network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from xivo_confgend_wazo.demonstration.company import Company, identifier
from xivo_confgend_wazo.demonstration.settings import (
    FEATURES,
    IAX_SETTINGS,
    QUEUE_SETTINGS,
    SCCP_SETTINGS,
    SERVICE_KEYS,
    SETTINGS_OF_FEATURES_CONF,
    STORED_FILES,
    VOICEMAIL_SETTINGS,
    ZONE_MESSAGES,
    Setting,
)
from xivo_confgend_wazo.demonstration.writer import Row, Rows
from xivo_confgend_wazo.meta import (
    accessfeatures,
    asterisk_file,
    asterisk_file_section,
    asterisk_file_variable,
    feature_extension,
    features,
    infos,
    netiface,
    provisioning,
    sccpgeneralsettings,
    staticiax,
    staticqueue,
    staticvoicemail,
)

STATIC_COLUMNS = "cat_metric var_metric commented filename category var_name var_val"


def feature_uuid(feature: str) -> str:
    """The UUID of the row of `feature_extension` for `feature`."""
    return identifier("feature", feature)


def service_key(feature: str) -> int:
    """The id of the function key that every user has for the service `feature`."""
    return SERVICE_KEYS.index(feature) + 1


def content(_company: Company) -> Iterator[Rows]:
    """The same rows whatever the size of the company."""
    yield from _stored_files()
    yield Rows(
        feature_extension,
        "uuid enabled exten feature",
        ((feature_uuid(feature), enabled, exten, feature) for exten, feature, enabled in FEATURES),
    )
    yield Rows(features, STATIC_COLUMNS, _static("features.conf", SETTINGS_OF_FEATURES_CONF))
    yield Rows(staticiax, STATIC_COLUMNS, _static("iax.conf", IAX_SETTINGS))
    yield Rows(staticqueue, STATIC_COLUMNS, _static("queues.conf", QUEUE_SETTINGS))

    yield Rows(staticvoicemail, STATIC_COLUMNS, _static("voicemail.conf", [*VOICEMAIL_SETTINGS, *ZONE_MESSAGES]))
    yield Rows(sccpgeneralsettings, "option_name option_value", SCCP_SETTINGS)
    yield from _network()


def _static(filename: str, settings: Iterable[Setting]) -> Iterator[Row]:
    for category, name, value in settings:
        yield 0, 0, 1 if value is None else 0, filename, category, name, value


def _stored_files() -> Iterator[Rows]:
    files: list[Row] = []
    sections: list[Row] = []
    variables: list[Row] = []
    for filename, content_of_file in STORED_FILES.items():
        files.append((len(files) + 1, filename))
        for section, priority, options in content_of_file:
            sections.append((len(sections) + 1, section, priority, len(files)))
            variables += [
                (len(variables) + place, key, value, place, len(sections))
                for place, (key, value) in enumerate(options, start=1)
            ]
    yield Rows(asterisk_file, "id name", files)
    yield Rows(asterisk_file_section, "id name priority asterisk_file_id", sections)
    yield Rows(asterisk_file_variable, "id key value priority asterisk_file_section_id", variables)


def _network() -> Iterator[Rows]:
    interfaces: Sequence[Row] = [
        (1, "eth0", 1, "voip", "iface", "inet", "static", "10.20.0.2", "255.255.0.0", "10.20.0.1", ""),
        (2, "eth1", 1, "data", "iface", "inet", "dhcp", None, None, None, ""),
    ]
    columns = "id ifname hwtypeid networktype type family method address netmask gateway options"
    yield Rows(netiface, columns, interfaces)
    yield Rows(provisioning, "id net4_ip http_base_url http_port", [(1, "10.20.0.2", "", 8667)])
    hosts = ("10.20.0.0/16", "192.168.44.0/24", "127.0.0.1", "fd00:20::/32")
    yield Rows(
        accessfeatures,
        "id host commented feature",
        [(place, host, int(place == 2), "phonebook") for place, host in enumerate(hosts, start=1)],
    )
    yield Rows(
        infos,
        "uuid wazo_version timezone configured",
        [(identifier("infos"), "26.08", "Europe/Paris", True)],
    )
