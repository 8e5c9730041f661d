"""Where the MLflow mirror is kept, who may write to it, and how it is reached.

MLflow's own races are avoided here: one writer at a time (a lock below results/), and the database is made before
anything else is written to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from scriptorium.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Store:
    """Where MLflow keeps things. `uri` never holds credentials; `artifacts` is set for sqlite only."""

    uri: str
    artifacts: Path | None = None

    @property
    def database(self) -> Path | None:
        return Path(self.uri.removeprefix("sqlite:///")) if self.artifacts else None


def locate(uri: str | None, results: Path) -> Store:
    """The store of a tracking URI (empty: sqlite below `results`). Credentials move to MLflow's own variables."""
    if not uri:
        uri = f"sqlite:///{results.resolve() / 'mlflow' / 'mlflow.db'}"
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and parts.hostname:
        if parts.username:
            os.environ.setdefault("MLFLOW_TRACKING_USERNAME", unquote(parts.username))
            os.environ.setdefault("MLFLOW_TRACKING_PASSWORD", unquote(parts.password or ""))
        return Store(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/"))
    if parts.scheme == "sqlite" and uri.startswith("sqlite:///") and "?" not in uri and len(uri) > len("sqlite:///"):
        database = Path(uri.removeprefix("sqlite:///")).resolve()
        return Store(f"sqlite:///{database}", database.parent / "artifacts")
    raise UserError(
        f"MLflow cannot be reached by a URI of this kind ({parts.scheme or 'no scheme'})",
        where="tracking.uri",
        remedy="use http(s)://host:port, sqlite:///path.db, or leave it empty",
    )


def project_id(results: Path) -> str:
    """Tells this project's runs from others' on a shared server; made once, and it moves with the results."""
    path = results / ".project"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".project.{uuid.uuid4().hex}")
        draft.write_text(uuid.uuid4().hex[:12] + "\n", encoding="utf-8")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # atomic, and whoever comes second keeps the first one's
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()


@contextlib.contextmanager
def one_writer(results: Path) -> Iterator[None]:
    """Wait for other importers and followers of these results to finish writing."""
    lock = results / ".state" / "track.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def connect(store: Store, retries: int = 2, timeout: int = 30) -> MlflowClient:
    """A client without telemetry; makes a missing sqlite database. Raises UserError if the store does not answer."""
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true",
        DO_NOT_TRACK="true",
        GIT_PYTHON_REFRESH="quiet",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES=str(retries),
        MLFLOW_HTTP_REQUEST_TIMEOUT=str(timeout),
        MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR="1",
        MLFLOW_HTTP_REQUEST_BACKOFF_JITTER="0",
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    )
    if store.database:
        store.database.parent.mkdir(parents=True, exist_ok=True)
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    mlflow.set_tracking_uri(store.uri)
    client = mlflow.MlflowClient(store.uri)
    with answering(store):
        client.search_experiments(max_results=1)
    return client


@contextlib.contextmanager
def answering(store: Store) -> Iterator[None]:
    """Turn MLflow's complaints about the store into a UserError."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    try:
        yield
    except (MlflowException, RequestException) as error:
        remedy = "nothing is lost: the ledgers are on disk, so start it (or correct tracking.uri) and import again"
        if "Invalid Host header" in str(error):
            remedy = "address the server by its IP, or start it with --allowed-hosts"
        if "401" in str(error):
            remedy = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        raise UserError(f"MLflow does not take this: {str(error)[:300]}", where=store.uri, remedy=remedy) from error
