"""The one MetaData of this schema.

The tables say what the drivers read and what a test database needs: columns, types, defaults,
keys and indexes. Foreign keys only constrain writers, so they are left out.
"""

from sqlalchemy import MetaData

METADATA = MetaData()
