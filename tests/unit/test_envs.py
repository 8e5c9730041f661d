"""Proves that pyproject, the pinned versions, the conda file and the container file describe one environment."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = PROJECT["optional-dependencies"]
DIRECT = [Requirement(text) for text in (*PROJECT["dependencies"], *OPTIONAL["dev"], *OPTIONAL["docs"])]
CONDA = yaml.safe_load((ROOT / "envs/scriptorium.yaml").read_text(encoding="utf-8"))
CONTAINER = (ROOT / "envs/Containerfile").read_text(encoding="utf-8")
PINS = [
    Requirement(line)
    for line in (ROOT / "envs/constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def version_of(pin: Requirement) -> Version:
    (specifier,) = pin.specifier
    assert specifier.operator == "==", pin
    return Version(specifier.version)


PINNED = {canonicalize_name(pin.name): version_of(pin) for pin in PINS}


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_every_direct_dependency_is_pinned_within_its_range(requirement):
    version = PINNED.get(canonicalize_name(requirement.name))
    assert version is not None, f"{requirement.name} is missing from envs/constraints.txt"
    assert requirement.specifier.contains(version), f"{requirement} does not allow the pinned {version}"


def test_every_package_that_the_code_imports_is_a_declared_dependency():
    """Not one that happens to come with another. pip is in every environment, and its import is allowed to fail."""
    imported = set()
    for path in (ROOT / "workflow/scriptorium").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    providers = packages_distributions()
    wanted = {name: providers.get(name, [name]) for name in imported - sys.stdlib_module_names - {"scriptorium", "pip"}}
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert {n: d for n, d in wanted.items() if not {canonicalize_name(x) for x in d} & declared} == {}


def hashed(name: str) -> dict[str, tuple[Version, list[str]]]:
    """The version and the sums of every package in a file of pip's --require-hashes."""
    text = re.sub(r"^#.*\n", "", (ROOT / "envs" / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for line in text.replace("\\\n", " ").splitlines():
        requirement, *sums = line.split(" --hash=sha256:")
        pin = Requirement(requirement.strip())
        assert canonicalize_name(pin.name) not in found, f"{pin.name} stands twice in {name}"
        found[canonicalize_name(pin.name)] = version_of(pin), [each.strip() for each in sums]
    return found


def test_every_pin_but_torch_has_the_sums_of_its_files():
    """torch has other files in every build; pip itself refuses a file with another sum."""
    environment, docs = hashed("hashes.txt"), hashed("hashes_docs.txt")
    assert not environment.keys() & docs.keys()
    pins = {name: pin for name, (pin, _) in (environment | docs).items()}
    assert pins == {name: pin for name, pin in PINNED.items() if name != "torch"}
    for _, sums in (environment | docs).values():
        assert sums and all(re.fullmatch("[0-9a-f]{64}", each) for each in sums)


def test_the_environment_is_installed_by_its_sums_before_anything_else():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    installs = [line.split("PIP) ")[1].removeprefix("--quiet ") for line in lines if line.startswith("\t$(PIP) ")]
    by_sums = "--require-hashes --no-deps --requirement envs/"
    assert [line.removeprefix(by_sums) for line in installs[::2]] == ["hashes.txt", "hashes_docs.txt"]
    commands = re.findall(r"^RUN pip install (.+)$", CONTAINER, flags=re.MULTILINE)
    assert commands[0] == f"--no-cache-dir {by_sums}hashes.txt"


def test_every_pin_is_one_exact_public_version():
    assert len(PINNED) == len(PINS), "a package is pinned twice"
    assert canonicalize_name(PROJECT["name"]) not in PINNED, "the package itself must not be pinned"
    local = [name for name, version in PINNED.items() if version.local]
    assert not local, f"builds that no public index has: {local}"


def test_the_environment_under_test_is_the_pinned_one():
    """Packages that are installed, but not needed by us, may be anything."""
    wrong = {}
    for name, pinned in PINNED.items():
        try:
            found = Version(version(name))
        except PackageNotFoundError:
            continue
        if found.public != pinned.public:
            wrong[name] = f"installed {found}, pinned {pinned}"
    assert not wrong, "run `make env`, or renew envs/constraints.txt as its head says"


def test_conda_and_container_offer_the_same_python_and_the_same_pins():
    (python,) = [d for d in CONDA["dependencies"] if isinstance(d, str) and d.startswith("python")]
    conda_python = python.split("=")[1]
    container_python = re.search(r"^FROM python:([\d.]+)", CONTAINER, flags=re.MULTILINE)[1]
    assert conda_python == container_python
    assert SpecifierSet(PROJECT["requires-python"]).contains(conda_python)
    (pip,) = [d["pip"] for d in CONDA["dependencies"] if isinstance(d, dict)]
    assert pip == ["--constraint constraints.txt", "--editable ..[dev]"]
    assert "pip install --no-cache-dir --constraint envs/constraints.txt '.[dev]'" in CONTAINER


def test_the_container_does_not_run_as_root():
    users = re.findall(r"^USER (\S+)$", CONTAINER, flags=re.MULTILINE)
    assert users and users[-1] not in ("root", "0")


def test_the_container_copies_files_that_exist():
    sources = [word for line in re.findall(r"^COPY (.+)$", CONTAINER, flags=re.MULTILINE) for word in line.split()[:-1]]
    assert "pyproject.toml" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
