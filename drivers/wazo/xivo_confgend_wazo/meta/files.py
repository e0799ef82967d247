"""Configuration files that are stored in the database (docs/spec/00-output-format.md section 5)."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from xivo_confgend_wazo.meta.base import METADATA

asterisk_file = Table(
    "asterisk_file",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False),
    UniqueConstraint("name"),
)

asterisk_file_section = Table(
    "asterisk_file_section",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("priority", Integer),
    Column("asterisk_file_id", Integer, nullable=False),
    UniqueConstraint("name", "asterisk_file_id"),
    Index("asterisk_file_section__idx__asterisk_file_id", "asterisk_file_id"),
)

asterisk_file_variable = Table(
    "asterisk_file_variable",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(255), nullable=False),
    Column("value", Text),
    Column("priority", Integer),
    Column("asterisk_file_section_id", Integer, nullable=False),
    Index("asterisk_file_variable__idx__asterisk_file_section_id", "asterisk_file_section_id"),
)
