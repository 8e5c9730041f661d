"""Where the MLflow mirror is kept, who may write to it, and how it is reached.

MLflow's own races are avoided here: one writer at a time (a lock below results/), and the database is made before
anything else is written to it (`database.py`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from scriptorium import file_lock
from scriptorium.errors import UserError
from scriptorium.tracking.complaints import answering
from scriptorium.tracking.database import find_fault, make_ready
from scriptorium.tracking.patience import Patient

if TYPE_CHECKING:
    from mlflow import MlflowClient

NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


@dataclass(frozen=True)
class Store:
    """Where MLflow keeps things. `uri` never holds credentials; `artifacts` is set for sqlite only.

    `ours`: an sqlite database below the results, which holds nothing but what the ledgers say.
    """

    uri: str
    artifacts: Path | None = None
    ours: bool = False

    @property
    def database(self) -> Path | None:
        return Path(self.uri.removeprefix("sqlite:///")) if self.artifacts else None


def locate(uri: str | None, results: Path) -> Store:
    """The store of a tracking URI (empty: sqlite below `results`). Credentials move to MLflow's own variables."""
    if not uri:
        uri = f"sqlite:///{results.resolve() / 'mlflow' / 'mlflow.db'}"
    parts = urlsplit(uri)
    if parts.query and parts.scheme in ("http", "https"):
        raise UserError(
            f"the address of MLflow's server holds parameters: {uri}",
            where="tracking.uri",
            remedy="take them out; a token goes into the variable MLFLOW_TRACKING_TOKEN",
        )
    if parts.scheme in ("http", "https") and parts.hostname:
        if parts.username:
            os.environ.setdefault("MLFLOW_TRACKING_USERNAME", unquote(parts.username))
            os.environ.setdefault("MLFLOW_TRACKING_PASSWORD", unquote(parts.password or ""))
        return Store(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/"))
    if parts.scheme == "sqlite" and uri.startswith("sqlite:///") and "?" not in uri and len(uri) > len("sqlite:///"):
        database = Path(uri.removeprefix("sqlite:///")).resolve()
        ours = database.is_relative_to(results.resolve())
        return Store(f"sqlite:///{database}", database.parent / "artifacts", ours)
    raise UserError(
        f"MLflow cannot be reached by a URI of this kind ({parts.scheme or 'no scheme'})",
        where="tracking.uri",
        remedy="use http(s)://host:port, sqlite:///path.db, or leave it empty",
    )


def project_id(results: Path, known: Callable[[], Sequence[str]] = tuple) -> str:
    """Tells this project's runs from others' on a shared server; made once, and it moves with the results.

    known: the ids of the projects in the store. Where the hidden file is lost, as by `cp results/*`, and the store is
    this project's own, its id is taken up again, or every run would stand there twice.
    """
    path = results / ".project"
    if not path.exists() and len(ids := sorted(set(known()))) == 1:
        path.write_text(f"{ids[0]}\n", encoding="utf-8")
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

    def say(holder: str) -> None:
        print(f"waiting for {holder}, which writes to MLflow for these results", file=sys.stderr, flush=True)

    with file_lock.hold(lock, file_lock.telling(say)):
        yield


def connect(store: Store, retries: int = 2, timeout: int = 30, *, mend: bool = False) -> MlflowClient:
    """A client without telemetry; makes a missing sqlite database, and with `mend` an unusable one again.

    A server is waited for at most (retries + 1) * timeout seconds altogether (patience.py), a database as long as it
    takes. Raises UserError if the store does not answer or cannot be used.
    """
    os.environ.update(
        NO_TELEMETRY,
        GIT_PYTHON_REFRESH="quiet",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES=str(retries),
        MLFLOW_HTTP_REQUEST_TIMEOUT=str(timeout),
        MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR="1",
        MLFLOW_HTTP_REQUEST_BACKOFF_JITTER="0",
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    )
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it logs what it raises, with traceback
    if store.database:
        if mend or not store.database.exists():
            make_ready(store.database, store.artifacts, ours=store.ours)
        elif fault := find_fault(store.database):
            remedy = "run: snakemake track" if store.ours else "move it away, or name another in tracking.uri"
            raise UserError(f"MLflow cannot use this database: {fault}", where=store.database, remedy=remedy)
    mlflow.set_tracking_uri(store.uri)
    client = Patient(mlflow.MlflowClient(store.uri), store.uri, None if store.database else (retries + 1) * timeout)
    with answering(store.uri):
        client.search_experiments(max_results=1)
    return client
