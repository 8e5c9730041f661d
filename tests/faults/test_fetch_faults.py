"""Proves over a loopback server that downloads go on where they stopped, and that each fault has its clear error."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scriptorium.errors import UserError
from scriptorium.fetching import download, index
from tests.loopback import Fetcher, Server, serve, sha256, zip_of

BODY = bytes(range(256)) * 8192  # 2 MiB, several chunks
CUT = 20 * download.CHUNK
REVISION = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture
def fetch(tmp_path):
    return Fetcher(tmp_path)


@pytest.fixture
def part(fetch) -> Path:
    """The partial file of a download, in a state folder that is there."""
    fetch.state.mkdir()
    return fetch.state / "data.bin.part"


def fetch_url(fetch: Fetcher, server: Server, content: bytes = BODY, **more: str) -> dict[str, bytes]:
    server.files["/data.bin"] = content
    return fetch("url", f"{server.url}/data.bin", sha256=more.get("sha256", sha256(BODY)))


# --- resuming -----------------------------------------------------------------------------------------------------


def test_partial_file_is_continued_and_not_fetched_again(server, fetch, part):
    part.write_bytes(BODY[:700_000])
    assert fetch_url(fetch, server) == {"data.bin": BODY}
    assert server.requests == [("/data.bin", "bytes=700000-")]


def test_broken_connection_is_taken_up_again_while_bytes_arrive(server, fetch):
    server.cut = [CUT, CUT]
    assert fetch_url(fetch, server) == {"data.bin": BODY}
    assert [asked for _, asked in server.requests] == [None, f"bytes={CUT}-", f"bytes={2 * CUT}-"]


def test_connection_that_gives_nothing_is_an_error_and_what_has_arrived_is_kept(server, fetch):
    server.cut = [CUT, 0]
    with pytest.raises(UserError, match=r"cannot fetch from 127\.0\.0\.1.*tried http://127") as caught:
        fetch_url(fetch, server)
    assert "run it again (what has arrived is kept)" in caught.value.remedy
    assert fetch.left_behind() == set()
    assert fetch_url(fetch, server) == {"data.bin": BODY}
    assert server.requests[-1][1] == f"bytes={CUT}-"


def test_server_without_ranges_is_read_from_the_start(server, fetch, part):
    server.ranges = False
    part.write_bytes(BODY[:700_000])
    assert fetch_url(fetch, server) == {"data.bin": BODY}


def test_wrong_partial_file_is_thrown_away_and_the_fetch_succeeds(server, fetch, part):
    part.write_bytes(b"\0" * 700_000)
    assert fetch_url(fetch, server) == {"data.bin": BODY}
    assert [asked for _, asked in server.requests] == ["bytes=700000-", None]


@pytest.mark.parametrize("start", [BODY, BODY + b"more"])
def test_partial_file_that_is_whole_or_too_long_ends_well(server, fetch, part, start):
    part.write_bytes(start)
    assert fetch_url(fetch, server) == {"data.bin": BODY}


def test_finished_download_is_not_repeated_when_unpacking_failed(server, fetch):
    server.files["/a.zip"] = content = zip_of({"a.txt": "A"})
    with pytest.raises(UserError, match=r"no member 'b\.txt'"):
        fetch("url", f"{server.url}/a.zip", "b.txt", sha256=sha256(content))
    assert fetch.left_behind() == set()
    assert fetch("url", f"{server.url}/a.zip", "a.txt", sha256=sha256(content)) == {"a.txt": b"A"}
    assert len(server.requests) == 1


def test_killed_fetch_goes_on_when_its_stage_is_run_again(server, tmp_path):
    """kill -9 during the download: the repeated command line continues it and cleans up."""
    server.files["/data.bin"] = BODY
    server.cut = [CUT]
    server.stall.clear()
    spec = {"name": "thing", "source": "url", "location": f"{server.url}/data.bin", "sha256": sha256(BODY)}
    command = [sys.executable, "-m", "scriptorium.stages.fetch", "--spec", json.dumps(spec), "--out", "resources/thing"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as running:
        while not any(path.stat().st_size >= CUT // 2 for path in tmp_path.glob("results/.state/*/data.bin.part")):
            assert running.poll() is None
            time.sleep(0.02)
        running.kill()
    assert not (tmp_path / "resources/thing/manifest.json").exists()
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    path, asked = server.requests[-1]
    assert path == "/data.bin" and int(asked.removeprefix("bytes=").rstrip("-")) >= CUT // 2
    assert (tmp_path / "resources/thing/data.bin").read_bytes() == BODY
    assert [path.name for path in (tmp_path / "resources").iterdir()] == ["thing"]
    record = json.loads((tmp_path / "resources/thing/run.json").read_text())
    assert (record["attempt"], record["status"]) == (2, "FINISHED")


# --- faults -------------------------------------------------------------------------------------------------------


def test_checksum_mismatch_names_both_digests_and_leaves_nothing(server, fetch):
    with pytest.raises(UserError) as caught:
        fetch_url(fetch, server, b"something else")
    assert f"has sha256 {sha256(b'something else')}, the catalogue expects {sha256(BODY)}" in caught.value.problem
    assert "inspect it before you accept it" in caught.value.remedy
    assert fetch.left_behind() == set() and not list(fetch.state.iterdir())
    assert fetch_url(fetch, server) == {"data.bin": BODY}


def test_unreachable_host_is_named_with_what_was_tried_and_the_way_out(fetch):
    with pytest.raises(UserError) as caught:
        fetch("url", "https://data.invalid/a.zip", sha256="0" * 64)
    text = str(caught.value)
    assert "cannot fetch from data.invalid" in text and "tried https://data.invalid/a.zip" in text
    assert "source `file`" in text
    assert fetch.left_behind() == set()


def test_http_status_is_named(server, fetch):
    with pytest.raises(UserError, match="HTTP status 404"):
        fetch("url", f"{server.url}/nowhere", sha256="0" * 64)


def test_too_little_space_is_found_before_the_download(server, fetch, monkeypatch):
    usage = download.shutil.disk_usage("/")
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage._replace(free=len(BODY) // 2))
    with pytest.raises(UserError, match=r"no disk space: 2\.1 MB are needed, 1\.0 MB are free"):
        fetch_url(fetch, server)
    assert fetch.left_behind() == set() and not list(fetch.state.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_disk_that_fills_up_while_writing_is_its_own_error(server, fetch, part):
    part.symlink_to("/dev/full")
    with pytest.raises(UserError, match="no disk space: No space left on device") as caught:
        fetch_url(fetch, server)
    assert "it goes on" in caught.value.remedy
    assert fetch.left_behind() == set()


def test_disk_that_fills_up_while_unpacking_leaves_nothing(tmp_path, fetch, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zip_of({"a.txt": "A", "b.txt": "B"}))
    written = []

    def copy(source, target, *_):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(target.write(source.read()))

    monkeypatch.setattr("scriptorium.fetching.unpack.shutil.copyfileobj", copy)
    with pytest.raises(UserError, match="no disk space"):
        fetch("file", tmp_path / "a.zip", "*.txt")
    assert fetch.left_behind() == set()


def test_target_that_cannot_be_written_is_named(tmp_path, fetch):
    (tmp_path / "a.txt").write_text("A")
    (tmp_path / "resources").write_text("a file where a folder should be")
    with pytest.raises(UserError, match=r"resources.*cannot be read or written"):
        fetch("file", tmp_path / "a.txt")


@pytest.mark.parametrize(
    "content",
    [b"<html>not found</html>", zip_of({"a.txt": "A" * 9999})[:60], b"\x1f\x8b\x08broken"],
    ids=["web page", "half a zip", "broken gzip"],
)
def test_damaged_archive_is_named(tmp_path, fetch, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.zip is (damaged|neither a zip nor a tar)"):
        fetch("file", tmp_path / "a.zip", "a.txt")
    assert fetch.left_behind() == set()


# --- package index over http --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "html"])
def test_package_is_found_through_either_form_of_index_page(server, fetch, monkeypatch, kind):
    wheel = zip_of({"data.txt": "D"})
    server.files["/files/my_pack-1.0.whl"] = wheel
    if kind == "json":
        entry = {
            "filename": "my_pack-1.0.whl",
            "url": "../../files/my_pack-1.0.whl",
            "hashes": {"sha256": sha256(wheel)},
        }
        server.files["/simple/my-pack/"] = (index.JSON, json.dumps({"files": [entry]}).encode())
    else:
        page = f'<!DOCTYPE html><a href="../../files/my_pack-1.0.whl#sha256={sha256(wheel)}">my_pack-1.0.whl</a>'
        server.files["/simple/my-pack/"] = ("text/html", page.encode())
    settings = {"index-url": "http://127.0.0.1:9/simple", "extra-index-url": f"{server.url}/simple"}
    monkeypatch.setattr(index, "pip_settings", lambda: settings)
    assert fetch("package", "my_pack==1.0", "data.txt", sha256=sha256(wheel)) == {"data.txt": b"D"}
    assert index.JSON in server.headers[0]["Accept"]


def test_no_reachable_index_names_every_one_that_was_tried(fetch, monkeypatch):
    settings = {"index-url": "http://one.invalid/simple", "extra-index-url": "http://me:secret@two.invalid/simple"}
    monkeypatch.setattr(index, "pip_settings", lambda: settings)
    with pytest.raises(UserError) as caught:
        fetch("package", "p==1", "x", sha256="0" * 64)
    assert "tried http://one.invalid/simple/p/, http://two.invalid/simple/p/" in caught.value.problem
    assert "secret" not in str(caught.value)


def test_index_that_does_not_know_the_package_is_not_called_unreachable(server, fetch, monkeypatch):
    settings = {"index-url": f"{server.url}/simple", "extra-index-url": "http://two.invalid/simple"}
    monkeypatch.setattr(index, "pip_settings", lambda: settings)
    with pytest.raises(UserError, match=r"it has no such version \(not readable: http://two\.invalid/simple/p/\)"):
        fetch("package", "p==1", "x", sha256="0" * 64)


# --- hub ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(server, monkeypatch):
    """A hub with one repository; returns put(name, content, stored content)."""
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # as stages set it
    monkeypatch.setenv("HF_TOKEN", "a-token")
    listed: list[dict] = []

    def put(name: str, content: bytes, stored: bytes | None = None, large: bool = False) -> None:
        entry = {"rfilename": name, "size": len(content)}
        if large:
            entry["lfs"] = {"sha256": sha256(content), "size": len(content)}
        else:
            entry["blobId"] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        listed.append(entry)
        server.files[f"/owner/repo/resolve/{REVISION}/{name}"] = content if stored is None else stored
        listing = ("application/json", json.dumps({"siblings": listed}).encode())
        server.files[f"/api/models/owner/repo/revision/{REVISION}"] = listing

    return put


def test_hub_members_come_from_the_pinned_commit(server, fetch, hub):
    hub("config.json", b"{}")
    hub("onnx/model.safetensors", BODY, large=True)
    hub("README.md", b"read me")
    members = ("config.json", "onnx/*.safetensors")
    expected = {"config.json": b"{}", "model.safetensors": BODY}
    assert fetch("hub", "owner/repo", *members, revision=REVISION) == expected
    assert {path for path, _ in server.requests[1:]} == {
        f"/owner/repo/resolve/{REVISION}/{name}" for name in ("config.json", "onnx/model.safetensors")
    }
    assert server.headers[0]["Authorization"] == "Bearer a-token"


def test_hub_download_goes_on_after_a_break(server, fetch, hub):
    hub("model.safetensors", BODY, large=True)
    server.cut = [10**9, CUT, 0]
    with pytest.raises(UserError, match=r"cannot fetch from 127\.0\.0\.1"):
        fetch("hub", "owner/repo", "model.safetensors", revision=REVISION)
    assert fetch("hub", "owner/repo", "model.safetensors", revision=REVISION) == {"model.safetensors": BODY}
    assert server.requests[-1][1] == f"bytes={CUT}-"


@pytest.mark.parametrize("large", [True, False])
def test_hub_file_that_is_not_the_commits_is_refused(fetch, hub, large):
    hub("vocab.txt", b"abc", stored=b"xyz", large=large)
    with pytest.raises(UserError, match="checksum mismatch"):
        fetch("hub", "owner/repo", "vocab.txt", revision=REVISION)
    assert fetch.left_behind() == set()


def test_hub_pickles_are_refused_by_name_and_left_out_of_globs(fetch, hub):
    hub("config.json", b"{}")
    hub("pytorch_model.bin", b"\x80", large=True)
    with pytest.raises(UserError, match=r"pickled weights are not fetched: pytorch_model\.bin") as caught:
        fetch("hub", "owner/repo", "config.json", "pytorch_model.bin", revision=REVISION)
    assert "safetensors" in caught.value.remedy
    with pytest.raises(UserError, match="pickled weights are not fetched"):
        fetch("hub", "owner/repo", revision=REVISION)
    hub("model.safetensors", b"weights", large=True)
    assert fetch("hub", "owner/repo", revision=REVISION) == {"config.json": b"{}", "model.safetensors": b"weights"}


def test_hub_member_that_is_missing_is_answered_with_near_names(fetch, hub):
    hub("model.safetensors", b"weights", large=True)
    with pytest.raises(UserError, match=r"no member 'model\.safetensor'; near names: model\.safetensors"):
        fetch("hub", "owner/repo", "model.safetensor", revision=REVISION)


def test_failed_fetch_of_a_stage_exits_with_one_readable_paragraph(tmp_path):
    spec = {"name": "thing", "source": "file", "location": "missing.csv"}
    command = [sys.executable, "-m", "scriptorium.stages.fetch", "--spec", json.dumps(spec), "--out", "resources/thing"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "error: config/datasets.tsv, data set 'thing': there is no file or folder missing.csv" in done.stderr
    assert "remedy:" in done.stderr and "Traceback" not in done.stderr
    assert {path.name for path in (tmp_path / "resources/thing").iterdir()} == {"run.json", "events.jsonl"}
