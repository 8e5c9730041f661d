"""Proves that a licence that nobody has looked at, and an audit that left packages out, do not pass for good news."""

from __future__ import annotations

from email.message import Message
from importlib import metadata

import pytest

from tests import packages


def about(**fields: str) -> Message:
    made = Message()
    for name, value in fields.items():
        made[name.replace("_", "-")] = value
    return made


@pytest.mark.parametrize(
    ("fields", "free"),
    [
        ({"License_Expression": "MIT"}, True),
        ({"License_Expression": "Apache-2.0 OR GPL-3.0-only"}, True),
        ({"License_Expression": "Apache-2.0 AND GPL-3.0-only"}, False),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, True),
        ({"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)", "License": "MIT"}, False),
        ({"License": "MIT License\n\nCopyright"}, True),
        ({"License": "as you like it"}, False),
        ({}, False),
    ],
)
def test_a_licence_is_free_or_somebody_must_look_at_it(fields, free):
    said = []
    assert packages.unknown([about(Name="some", **fields)], said.append) == (
        [] if free else [f"some: {packages.licence(about(**fields)) or 'nothing'}"]
    )
    assert len(said) == 1


def test_an_exception_is_said_with_its_reason():
    said = []
    assert packages.unknown([about(Name="nvidia_cublas", License="LicenseRef-NVIDIA-Proprietary")], said.append) == []
    assert said[0].endswith(packages.EXCEPTIONS["nvidia-*"])
    assert packages.exception("nvidia") is None


def test_every_package_of_this_environment_has_a_known_licence():
    assert packages.unknown((each.metadata for each in metadata.distributions()), lambda line: None) == []


def test_an_audit_that_left_a_package_out_is_none():
    seen = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}
    assert packages.read_audit([seen]) == ["a 1: CVE-1"]
    with pytest.raises(LookupError, match="no data of 1 of 2 packages, such as b"):
        packages.read_audit([seen, {"name": "b", "skip_reason": "not found"}])
