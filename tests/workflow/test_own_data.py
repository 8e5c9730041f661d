"""One's own data may lie anywhere: the root is named once, what is missing is said before any job, edits are seen."""

from __future__ import annotations

TARGET = "resources/encoder/manifest.json"


def test_another_root_is_found_by_its_variable_and_an_edited_file_of_a_folder_is_seen(fresh, tmp_path):
    elsewhere = tmp_path / "far away" / "corpora"
    elsewhere.parent.mkdir()
    (fresh.root / "assets").rename(elsewhere)

    refused = fresh.snakemake(TARGET, check=False)
    assert refused.returncode != 0 and not (fresh.root / "resources").exists()
    assert "data set 'encoder': these data are yours to bring, and there is no file or folder assets/encoder" in (
        refused.stdout
    )
    assert "(data_root, now assets)" in refused.stdout

    root = {"SCRIPTORIUM_DATA_ROOT": str(elsewhere)}
    fresh.snakemake(TARGET, **root)
    assert (fresh.root / "resources/encoder/vocab.txt").is_file()
    assert "Nothing to be done" in fresh.snakemake("--dry-run", TARGET, **root).stdout
    (elsewhere / "encoder/vocab.txt").write_text("[PAD]\n", encoding="utf-8")
    assert "Fetch encoder" in fresh.snakemake("--dry-run", TARGET, **root).stdout
