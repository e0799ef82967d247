from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker

Session = scoped_session(sessionmaker())
Base = declarative_base()


def init_db(db_uri):
    Session.configure(bind=create_engine(db_uri))
