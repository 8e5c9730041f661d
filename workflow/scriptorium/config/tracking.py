"""Where the MLflow mirror is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium.errors import UserError
from scriptorium.masked import has_secret
from scriptorium.spec import Spec

SERVERS = ("http://", "https://", "sqlite:///")


class Tracking(Spec):
    """Where the MLflow mirror is."""

    uri: str | None = Field(None, description="empty: sqlite in results/mlflow; or http(s)://host:port")
    weights: Literal["reference", "upload"] = Field("reference", description="weights: by path and sha256, or copied")


def check_tracking(uri: str | None, root: Path, where: str) -> None:
    """Raises UserError for an address that MLflow cannot be reached at, or that holds a secret."""
    if not uri and "?" in str(root.resolve()):
        raise UserError(
            "the folder's name holds a question mark, and MLflow takes what follows one for settings of its database",
            where=root.resolve(),
            remedy="rename the folder",
        )
    if uri and not uri.startswith(SERVERS):
        raise UserError(
            f"tracking.uri begins with {uri.partition(':')[0]!r}, and not with one of {', '.join(SERVERS)}",
            where=where,
            remedy="leave it empty for a database in results/mlflow, or name a server: http(s)://host:port",
        )
    if uri and ("@" in uri or has_secret(uri) or (uri.startswith("http") and "?" in uri)):
        raise UserError(
            "tracking.uri must not hold a user name, password or token, since the configuration is shown in logs",
            where=where,
            remedy="set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, instead",
        )
