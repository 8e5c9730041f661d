"""Proves that every kind of source ends in the same files, checked, complete, and never executed."""

from __future__ import annotations

import errno
import os

import pytest

from scriptorium.errors import UserError
from scriptorium.fetching import checkpoints, download, index, sources
from tests.loopback import Fetcher, sha256, tar_of, zip_of

WHEEL = zip_of({"pack/data/a.txt": "A", "pack/data/sub/b.txt": "B", "pack/__init__.py": "raise SystemExit"})


@pytest.fixture
def fetch(tmp_path):
    return Fetcher(tmp_path)


@pytest.fixture
def local_index(tmp_path, monkeypatch):
    """A package index in a folder; returns add(package, file name, content)."""
    root = tmp_path / "simple"
    monkeypatch.setattr(index, "pip_settings", lambda: {"index-url": root.as_uri()})

    def add(package: str, name: str, content: bytes) -> None:
        (root / package).mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
        with (root / package / "index.html").open("a") as page:
            page.write(f'<a href="../../{name}#sha256={sha256(content)}">{name}</a>\n')

    return add


def test_package_url_file_and_folder_give_the_same_files(tmp_path, fetch, local_index):
    expected = {"a.txt": b"A", "sub/b.txt": b"B"}
    local_index("my-pack", "my_pack-1.0-py3-none-any.whl", WHEEL)
    wheel = tmp_path / "my_pack-1.0-py3-none-any.whl"
    assert fetch("package", "My.Pack==1.0", "pack/data/**", sha256=sha256(WHEEL)) == expected
    assert fetch("url", wheel.as_uri(), "pack/data/**", sha256=sha256(WHEEL)) == expected
    assert fetch("file", wheel, "pack/data/**") == expected
    folder = tmp_path / "mine"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("A")
    (folder / "sub/b.txt").write_text("B")
    assert fetch("file", folder) == expected
    assert fetch("file", folder, "**") == expected
    assert fetch("file", folder, "sub/*.txt") == {"b.txt": b"B"}
    assert (folder / "a.txt").is_file()


def test_nothing_of_a_package_is_executed(tmp_path, fetch, local_index):
    trap = tmp_path / "executed"
    sdist = tar_of({"p-2/setup.py": f"open({str(trap)!r}, 'w')", "p-2/pyproject.toml": "", "p-2/data.txt": "D"})
    local_index("p", "p-2.tar.gz", sdist)
    assert fetch("package", "p==2", "p-2/data.txt", sha256=sha256(sdist)) == {"data.txt": b"D"}
    assert not trap.exists()


def in_parts(local_index, content: bytes, count: int = 3) -> tuple[str, str]:
    """An archive cut into parts, each in a package of its own; returns location and sha256."""
    size = -(-len(content) // count)
    wheels = [zip_of({f"p{n}/in/big.zip.00{n}": content[n * size : (n + 1) * size]}) for n in range(count)]
    for n, wheel in enumerate(wheels):
        local_index(f"p{n}", f"p{n}-1.whl", wheel)
    return ";".join(f"p{n}==1" for n in range(count)), ";".join(map(sha256, wheels))


def test_an_archive_in_parts_is_joined_in_the_order_given(fetch, local_index):
    location, digests = in_parts(local_index, WHEEL)
    assert fetch("package", location, "**/big.zip.*!pack/data/**", sha256=digests) == {"a.txt": b"A", "sub/b.txt": b"B"}
    assert not list(fetch.state.glob("*.joined")), "the joined archive is not kept beside its parts"


def test_an_archive_in_parts_with_unclear_parts_is_refused(fetch, local_index):
    location, digests = in_parts(local_index, WHEEL)
    with pytest.raises(UserError, match="3 packages and 2 sha256"):
        fetch("package", location, "**/big.zip.*!x", sha256=digests.rpartition(";")[0])
    with pytest.raises(UserError, match="members do not say which file is the part"):
        fetch("package", location, "pack/data/**", sha256=digests)


def test_index_is_searched_by_digest_and_an_unreadable_one_is_skipped(tmp_path, fetch, local_index, monkeypatch):
    local_index("p", "p-1-old.whl", zip_of({"d": "old"}))
    local_index("p", "p-1-new.whl", new := zip_of({"d": "new"}))
    settings = {
        "index-url": "file:///no/such/index",
        "extra-index-url": f"file:///none {(tmp_path / 'simple').as_uri()}",
    }
    monkeypatch.setattr(index, "pip_settings", lambda: settings)
    assert fetch("package", "p==1", "d", sha256=sha256(new)) == {"d": b"new"}


def test_digest_that_the_index_lacks_is_answered_with_what_it_has(fetch, local_index):
    local_index("p", "p-1.whl", WHEEL)
    local_index("p", "p-1.5.whl", zip_of({}))
    with pytest.raises(UserError) as caught:
        fetch("package", "p==1", "x", sha256="0" * 64)
    offered = f"p-1.whl (sha256 {sha256(WHEEL)})"
    assert caught.value.problem == f"the package index has no file of p==1 with sha256 {'0' * 64}; it has {offered}"


def test_pip_settings_come_from_the_environment_first(monkeypatch, tmp_path):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://file.invalid/simple\ncert = /c.pem\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.delenv("PIP_CERT", raising=False)
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    assert index.pip_settings()["index-url"] == "https://file.invalid/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://environment.invalid/simple")
    settings = index.pip_settings()
    assert (settings["index-url"], settings["cert"]) == ("https://environment.invalid/simple", "/c.pem")


def test_without_settings_the_index_is_pips_own(monkeypatch):
    from pip._internal.models.index import PyPI

    assert index.user_indexes({"extra-index-url": "https://a.invalid  https://b.invalid"}) == [
        PyPI.simple_url,
        "https://a.invalid",
        "https://b.invalid",
    ]


def test_file_without_members_is_kept_as_it_is(tmp_path, fetch):
    (tmp_path / "words.csv").write_text("a,b\n")
    assert fetch("file", tmp_path / "words.csv") == {"words.csv": b"a,b\n"}
    path = tmp_path / "with blank.csv"
    path.write_text("x")
    assert fetch("url", path.as_uri(), sha256=sha256(b"x")) == {"with blank.csv": b"x"}


def test_large_own_files_are_linked_and_small_ones_copied(tmp_path, fetch, monkeypatch):
    own = tmp_path / "weights"
    own.write_bytes(b"12345")
    fetch("file", own)
    assert own.stat().st_nlink == 1
    monkeypatch.setattr(sources, "LINK_ABOVE", 4)
    fetch("file", own)
    assert own.stat().st_nlink == 2

    def no_links(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", no_links)
    assert fetch("file", own) == {"weights": b"12345"}
    assert own.stat().st_nlink == 1


def test_second_fetch_replaces_what_the_first_left_but_not_its_ledger(tmp_path, fetch):
    (tmp_path / "one.txt").write_text("1")
    (tmp_path / "two.txt").write_text("2")
    fetch("file", tmp_path / "one.txt")
    (fetch.out / "run.json").write_text("{}")
    fetch("file", tmp_path / "two.txt")
    assert sorted(path.name for path in fetch.out.iterdir()) == ["run.json", "two.txt"]


def test_own_file_is_checked_when_a_digest_is_given(tmp_path, fetch):
    (tmp_path / "a.txt").write_text("A")
    assert fetch("file", tmp_path / "a.txt", sha256=sha256(b"A").upper()) == {"a.txt": b"A"}
    with pytest.raises(UserError, match=f"checksum mismatch.*sha256 {sha256(b'A')}, the catalogue expects {'1' * 64}"):
        fetch("file", tmp_path / "a.txt", sha256="1" * 64)
    assert (tmp_path / "a.txt").is_file()


@pytest.mark.parametrize(
    ("source", "location", "more", "problem"),
    [
        ("package", "p==1", {}, "a package entry needs a sha256"),
        ("package", "p>=1", {"sha256": "0" * 64}, "'p>=1' is not name==version"),
        ("url", "https://host.invalid/a.zip", {}, "a url entry needs a sha256"),
        ("url", "/data/a.zip", {"sha256": "0" * 64}, "not an http.s. or file address"),
        ("hub", "owner/repo", {"revision": "main"}, "revision 'main' is not a commit of 40 hex digits"),
        ("hub", "owner/repo", {}, "revision None is not a commit"),
        ("hub", "repo", {"revision": "a" * 40}, "'repo' is not owner/repository"),
        ("file", "no/such/file", {}, "there is no file or folder no/such/file"),
    ],
)
def test_unusable_catalogue_row_is_named_before_any_download(fetch, source, location, more, problem):
    with pytest.raises(UserError, match=problem) as caught:
        fetch(source, location, **more)
    assert "config/datasets.tsv, data set 'thing'" in str(caught.value)
    assert fetch.left_behind() == set()


def test_misspelt_own_path_is_answered_with_the_nearest_name(tmp_path, fetch):
    (tmp_path / "gaze.csv").write_text("x")
    with pytest.raises(UserError, match=r"did you mean 'gaze\.csv'"):
        fetch("file", tmp_path / "gase.csv")


def test_own_file_inside_the_target_is_refused_and_survives(fetch):
    fetch.out.mkdir(parents=True)
    (fetch.out / "mine.csv").write_text("precious")
    with pytest.raises(UserError, match="lies in the folder that it is copied to"):
        fetch("file", fetch.out / "mine.csv")
    assert (fetch.out / "mine.csv").read_text() == "precious"


def test_passwords_in_addresses_are_never_shown():
    assert download.shown("https://me:secret@host.invalid/simple/p/?token=1#x") == "https://host.invalid/simple/p/"


def test_checkpoint_with_pickled_weights_is_refused_and_safetensors_are_named(tmp_path, fetch):
    model = tmp_path / "model"
    model.mkdir()
    with pytest.raises(UserError, match=r"no config\.json"):
        checkpoints.check_checkpoint(model)
    (model / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"no \*\.safetensors"):
        checkpoints.check_checkpoint(model)
    (model / "pytorch_model.bin").write_bytes(b"\x80\x02")
    with pytest.raises(
        UserError, match=r"only pickled weights \(pytorch_model\.bin\)[^$]*remedy: convert.*safetensors"
    ):
        checkpoints.check_checkpoint(model)
    with pytest.raises(UserError, match="only pickled weights"):
        fetch("file", model)
    assert fetch.left_behind() == set()
    (model / "model.safetensors").write_bytes(b"")
    checkpoints.check_checkpoint(model)
    assert "model.safetensors" in fetch("file", model)
