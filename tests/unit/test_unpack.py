"""Proves what a catalogue's `members` take out of an archive, and what never leaves it."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from scriptorium.errors import UserError
from scriptorium.fetching import unpack
from tests.loopback import tar_of, zip_of

FILES = {
    "pack/data/sports/001.txt": "goal",
    "pack/data/sports/002.txt": "match",
    "pack/data/tech/001.txt": "chip",
    "pack/data/readme.md": "about",
    "pack/setup.py": "raise SystemExit('executed')",
}


@pytest.fixture(params=["zip", "tar.gz", "tar.xz", "tar"])
def archive(request, tmp_path):
    path = tmp_path / f"pack.{request.param}"
    mode = {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz"}.get(request.param)
    path.write_bytes(tar_of(FILES, mode) if mode else zip_of(FILES))
    return path


def take(archive, *members):
    target = archive.parent / "out"
    made = unpack.unpack(archive, members, target, where="catalogue")
    assert made == sorted(p for p in target.rglob("*") if p.is_file())
    return {path.relative_to(target).as_posix(): path.read_text() for path in made}


def test_plain_path_gives_its_last_part(archive):
    assert take(archive, "pack/data/readme.md") == {"readme.md": "about"}


def test_glob_keeps_the_path_below_its_literal_folders(archive):
    expected = {"sports/001.txt": "goal", "sports/002.txt": "match", "tech/001.txt": "chip"}
    assert take(archive, "pack/data/*/*.txt") == expected


def test_star_does_not_cross_folders_and_two_stars_do(archive):
    with pytest.raises(UserError, match="no member"):
        take(archive, "pack/*.txt")
    assert len(take(archive, "pack/**/*.txt")) == 3


def test_braces_list_alternatives_and_each_must_be_there(archive):
    assert take(archive, "pack/{setup.py,data/readme.md}").keys() == {"setup.py", "data/readme.md"}
    with pytest.raises(UserError, match=r"no member 'pack/data/readme\.txt'"):
        take(archive, "pack/data/{readme.md,readme.txt}")


def test_missing_member_is_answered_with_near_names(archive):
    with pytest.raises(UserError, match=r"no member 'pack/date/readme\.md'; near names: pack/data/readme\.md"):
        take(archive, "pack/date/readme.md")


def test_two_members_of_one_name_are_refused_before_anything_is_written(archive):
    with pytest.raises(UserError, match=r"both be written to '001\.txt'"):
        take(archive, "pack/data/sports/001.txt", "pack/data/tech/001.txt")
    assert not (archive.parent / "out").exists()


def test_exclamation_mark_steps_into_nested_archives(tmp_path):
    inner = tar_of({"in/a_Truth.txt": "a", "in/b_Truth.txt": "b", "in/notes.txt": "n"})
    path = tmp_path / "outer.zip"
    path.write_bytes(zip_of({"outer/extra/in.tar.gz": inner, "outer/top.txt": "t"}))
    taken = take(path, "outer/top.txt", "outer/extra/in.tar.gz!in/*_Truth.txt")
    assert taken == {"a_Truth.txt": "a", "b_Truth.txt": "b", "top.txt": "t"}


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt"])
def test_names_that_lead_out_of_the_target_are_never_taken(tmp_path, name):
    for suffix, content in (
        ("zip", zip_of({name: "x", "good.txt": "g"})),
        ("tar", tar_of({name: "x", "good.txt": "g"})),
    ):
        path = tmp_path / f"odd.{suffix}"
        path.write_bytes(content)
        assert take(path, "**") == {"good.txt": "g"}
        with pytest.raises(UserError, match="no member"):
            take(path, name)
    assert not list(tmp_path.parent.glob("evil.txt"))


def test_links_and_devices_are_never_taken(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/hostname"
            archive.addfile(info)
        info = tarfile.TarInfo("good.txt")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"g"))
    (tmp_path / "links.tar").write_bytes(buffer.getvalue())
    assert take(tmp_path / "links.tar", "**") == {"good.txt": "g"}

    with zipfile.ZipFile(tmp_path / "links.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/hostname")
        archive.writestr("good.txt", "g")
    assert take(tmp_path / "links.zip", "**") == {"good.txt": "g"}


def test_zip_bomb_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "BOMB_BYTES", 1 << 20)
    path = tmp_path / "bomb.zip"
    path.write_bytes(zip_of({"zeros": bytes(4 << 20)}))
    with pytest.raises(UserError, match="would unpack to 4194304 bytes"):
        take(path, "zeros")
    assert not (tmp_path / "out").exists()
