"""A session store: sessions in an SQLite file, so that they outlive a restart on one machine.

[session]
store = "sqlite"
file = "/var/lib/meshproxy/sessions.db"
"""

import secrets
import sqlite3
from pathlib import Path

from pydantic import BaseModel

from meshproxy.api import StoreDown, hookimpl

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (key TEXT PRIMARY KEY, value BLOB, version INTEGER, expires_at REAL);
CREATE TABLE IF NOT EXISTS tag (key TEXT REFERENCES session ON DELETE CASCADE, tag TEXT, PRIMARY KEY (tag, key));
CREATE TABLE IF NOT EXISTS lease (key TEXT PRIMARY KEY, token TEXT, expires_at REAL);
"""


class SqliteStore:
    name = "sqlite"

    class Settings(BaseModel):
        file: Path

    def __init__(self, settings, context):
        self.seconds = context.reactor.seconds
        self.database = sqlite3.connect(settings.file, isolation_level=None, timeout=0.2)
        self.database.executescript("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;" + SCHEMA)

    def transaction(self, work):
        # SQLite answers within microseconds from its own file; a store on the network would return a Deferred instead.
        try:
            with self.database:  # commits, or rolls back what failed
                self.database.execute("BEGIN IMMEDIATE")
                self.database.execute("DELETE FROM session WHERE expires_at <= ?", (self.seconds(),))
                self.database.execute("DELETE FROM lease WHERE expires_at <= ?", (self.seconds(),))
                return work(self.database.execute)
        except sqlite3.Error as error:
            raise StoreDown(str(error)) from error

    def load(self, key):
        return self.transaction(lambda run: run("SELECT value, version FROM session WHERE key = ?", (key,)).fetchone())

    def save(self, key, value, expires_at, tags, if_version=None):
        def work(run):
            found = run("SELECT version FROM session WHERE key = ?", (key,)).fetchone()
            version = found[0] if found else 0
            if if_version is not None and if_version != version:
                return False
            run("DELETE FROM session WHERE key = ?", (key,))
            run("INSERT INTO session VALUES (?, ?, ?, ?)", (key, value, version + 1, expires_at))
            for tag in set(tags):
                run("INSERT INTO tag VALUES (?, ?)", (key, tag))
            return True

        return self.transaction(work)

    def delete(self, key):
        self.transaction(lambda run: run("DELETE FROM session WHERE key = ?", (key,)))

    def find(self, tag=None):
        query = ("SELECT key FROM session", ()) if tag is None else ("SELECT key FROM tag WHERE tag = ?", (tag,))
        return self.transaction(lambda run: [key for (key,) in run(*query)])

    def lock(self, key, seconds):
        def work(run):
            token = secrets.token_urlsafe(16)
            run("INSERT OR IGNORE INTO lease VALUES (?, ?, ?)", (key, token, self.seconds() + seconds))
            return token if run("SELECT token FROM lease WHERE key = ?", (key,)).fetchone() == (token,) else None

        return self.transaction(work)

    def unlock(self, key, token):
        self.transaction(lambda run: run("DELETE FROM lease WHERE key = ? AND token = ?", (key, token)))

    def stop(self):
        self.database.close()


@hookimpl
def meshproxy_session_stores():
    return [SqliteStore]
