"""POST /participations with FastAPI and SQLite, with one commit per request."""

import hashlib
import os
import re
import sqlite3
import threading
from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, StringConstraints

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
FILE = os.environ["PEER_DATA"]

app = FastAPI()
connections = threading.local()


class Participation(BaseModel):
    scope: str
    email: Annotated[str, StringConstraints(max_length=254, pattern=ADDRESS)]


def connection() -> sqlite3.Connection:
    """One for each thread of the pool."""
    if not hasattr(connections, "open"):
        connections.open = sqlite3.connect(FILE, timeout=30, isolation_level=None)
        connections.open.execute("PRAGMA journal_mode=WAL")
        connections.open.execute("PRAGMA synchronous=FULL")
        connections.open.execute("CREATE TABLE IF NOT EXISTS participations (id TEXT PRIMARY KEY, scope TEXT, email TEXT, state TEXT)")
    return connections.open


connection()


@app.post("/participations", status_code=202)
def accept(participation: Participation) -> dict:
    identity = hashlib.sha256(f"{participation.scope}\0{participation.email.lower()}".encode()).hexdigest()[:32]
    connection().execute("INSERT OR IGNORE INTO participations VALUES (?, ?, ?, 'received')",
                         (identity, participation.scope, participation.email))
    return {"id": identity, "state": "received"}
