from sqlalchemy import Column, Integer, String
from xivo_dao.helpers.db_manager import Base


class Guest(Base):
    __tablename__ = "guest"

    id = Column(Integer, primary_key=True)
    name = Column(String)
