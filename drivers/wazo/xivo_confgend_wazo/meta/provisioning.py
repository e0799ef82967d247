"""Provisioning, network interfaces and phonebook access (docs/spec/25-other-resources.md)."""

from sqlalchemy import Column, Integer, String, Table, Text, UniqueConstraint, text

from xivo_confgend_wazo.meta.base import METADATA
from xivo_confgend_wazo.meta.types import netiface_family, netiface_method, netiface_networktype, netiface_type

provisioning = Table(
    "provisioning",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("net4_ip", String(39)),
    Column("http_base_url", String(255)),
    Column("dhcp_integration", Integer, server_default=text("0"), nullable=False),
    Column("http_port", Integer, nullable=False),
)

netiface = Table(
    "netiface",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ifname", String(64), server_default=text("''"), nullable=False),
    Column("hwtypeid", Integer, server_default=text("65534"), nullable=False),
    Column("networktype", netiface_networktype, nullable=False),
    Column("type", netiface_type, nullable=False),
    Column("family", netiface_family, nullable=False),
    Column("method", netiface_method),
    Column("address", String(39)),
    Column("netmask", String(39)),
    Column("broadcast", String(15)),
    Column("gateway", String(39)),
    Column("mtu", Integer),
    Column("vlanrawdevice", String(64)),
    Column("vlanid", Integer),
    Column("options", Text, nullable=False),
    Column("disable", Integer, server_default=text("0"), nullable=False),
    Column("dcreate", Integer, server_default=text("0"), nullable=False),
    Column("description", Text),
    UniqueConstraint("ifname"),
)

accessfeatures = Table(
    "accessfeatures",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("host", String(255), server_default=text("''"), nullable=False),
    Column("commented", Integer, server_default=text("0"), nullable=False),
    Column("feature", String(64), server_default=text("'phonebook'"), nullable=False),
    UniqueConstraint("host", "feature"),
)
