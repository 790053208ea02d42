"""Check what GitHub runs, and what a release contains."""

import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import langchain_segmind
from tests.conftest import CANNOT_RUN
from tests.release import addresses, dist, site, versions

ROOT = versions.ROOT
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text()) for path in ROOT.glob(".github/workflows/*")
}
JOBS: dict[str, dict[str, Any]] = {
    f"{name}/{job}": description
    for name, workflow in WORKFLOWS.items()
    for job, description in workflow["jobs"].items()
}


def read(name):
    return (ROOT / name).read_text()


def commands(job, key="run"):
    return [step[key] for step in job.get("steps", []) if key in step]


def pythons(job):
    return JOBS[job]["strategy"]["matrix"]["python"]


def targets():
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


# --- the workflows ---------------------------------------------------------------------------


def test_every_command_of_a_workflow_is_a_target_of_make():
    ran = [command for job in JOBS.values() for command in commands(job)]

    assert {"make check", "make test-floor", "make dist"} <= set(ran)
    assert {command.split()[1] for command in ran} <= targets()


def test_github_runs_what_ci_runs():
    here = re.findall(r"^make .+", read(".ci/run"), re.MULTILINE)
    there = [
        ran for name, job in JOBS.items() if name.startswith("check/") for ran in commands(job)
    ]

    assert here
    assert set(here) <= set(there)


def test_tests_run_on_every_python_that_is_promised():
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', read("pyproject.toml"))

    assert pythons("check/check") == promised


def test_floors_are_tested_on_the_pythons_that_have_wheels_of_them():
    ((low, high),) = re.findall(r"if \(3, (\d+)\) <= v < \(3, (\d+)\)", read("Makefile"))

    assert pythons("check/floor") == [f"3.{n}" for n in range(int(low), int(high))]


def test_nothing_is_published_before_the_tests_passed_and_the_version_was_checked():
    publishers = [
        name for name, job in JOBS.items() if "pypi-publish" in str(commands(job, "uses"))
    ]
    assert publishers == ["publish/publish"]

    job = JOBS["publish/publish"]
    assert set(job["needs"]) == {"check", "build"}
    assert JOBS["publish/check"]["uses"] == "./.github/workflows/check.yml"
    (built,) = [step for step in JOBS["publish/build"]["steps"] if step.get("run") == "make dist"]
    assert built["env"] == {"TAG": "${{ github.ref_name }}"}
    assert WORKFLOWS["publish"][True] == {"release": {"types": ["published"]}}  # YAML reads `on` so


def test_only_publishing_is_allowed_more_than_to_read():
    for workflow in WORKFLOWS.values():
        assert workflow["permissions"] == {"contents": "read"}
    allowed = {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job}

    assert allowed == {
        "publish/publish": {"id-token": "write"},
        "docs/deploy": {"pages": "write", "id-token": "write"},
    }
    assert JOBS["publish/publish"]["environment"]["name"] == "pypi"
    assert JOBS["docs/deploy"]["environment"]["name"] == "github-pages"
    assert "secrets" not in str(WORKFLOWS)


def test_actions_are_pinned_by_digest_with_their_version_beside_it():
    lines = [
        line
        for path in ROOT.glob(".github/workflows/*")
        for line in path.read_text().splitlines()
        if "uses: " in line and "uses: ./" not in line
    ]

    assert lines
    versions_of = [re.search(r"uses: (\S+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", x) for x in lines]
    assert None not in versions_of
    known = {found.groups() for found in versions_of if found}
    assert len(known) == len({action for action, _, _ in known}), "an action has two versions"


def test_dependencies_are_audited_weekly_and_on_pull_requests():
    triggers = WORKFLOWS["audit"][True]  # YAML reads `on` so

    assert "pull_request" in triggers
    assert re.fullmatch(r"\d+ \d+ \* \* \d", triggers["schedule"][0]["cron"])
    assert commands(JOBS["audit/audit"]) == ["make audit"]


def test_what_cannot_run_on_other_systems_is_named_with_a_reason():
    assert set(JOBS["check/elsewhere"]["strategy"]["matrix"]["system"]) == {
        "macos-latest",
        "windows-latest",
    }
    named = [(name, why) for names in CANNOT_RUN.values() for name, why in names.items()]
    assert named
    for name, why in named:
        path, _, test = name.partition("::")
        assert f"def {test}(" in read(path) if test else (ROOT / path).exists(), name
        assert why


def test_actions_keep_no_credentials():
    for job in JOBS.values():
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


# --- the version -----------------------------------------------------------------------------

CHANGELOG = "# Changelog\n\n## 1.2.3 (2030-01-31)\n\n## 1.2.2 (2029-01-31)\n"


def test_code_and_changelog_have_the_same_version():
    assert versions.version(None) == langchain_segmind.__version__


@pytest.mark.parametrize("tag", [None, "v1.2.3"])
def test_version_is_right_when_it_is_the_same_everywhere(tag):
    assert versions.faults("1.2.3", CHANGELOG, tag) == []


@pytest.mark.parametrize(
    ("literal", "changelog", "tag", "words"),
    [
        ("1.2.4", CHANGELOG, None, "CHANGELOG.md begins with 1.2.3, langchain_segmind is 1.2.4"),
        ("1.2.2", CHANGELOG, None, "CHANGELOG.md begins with 1.2.3, langchain_segmind is 1.2.2"),
        ("1.2.3", CHANGELOG, "v1.2.4", "the tag is v1.2.4, it should be v1.2.3"),
        ("1.2.3", CHANGELOG, "1.2.3", "the tag is 1.2.3, it should be v1.2.3"),
        ("1.2.3", "## 1.2.3 (unreleased)\n", "v1.2.3", "CHANGELOG.md says (unreleased) where"),
        ("1.2.3", "# Changelog\n", None, "CHANGELOG.md has no heading like"),
    ],
)
def test_version_is_named_when_it_differs_somewhere(literal, changelog, tag, words):
    (fault,) = versions.faults(literal, changelog, tag)

    assert fault.startswith(words)


# --- what is inside --------------------------------------------------------------------------

TRACKED = ["Makefile", "langchain_segmind/__init__.py", "pytest_segmind.py", "tests/unit/test_x.py"]
INSIDE = [
    "langchain_segmind/__init__.py",
    "pytest_segmind.py",
    *(f"langchain_segmind-1.dist-info/{name}" for name in dist.METADATA),
]


def write_wheel(folder: Path, names: list[str], version: str = "1") -> Path:
    path = folder / "langchain_segmind-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, f"Version: {version}\n")
    return path


def write_sdist(folder: Path, names: list[str]) -> Path:
    path = folder / "langchain_segmind-1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(f"langchain_segmind-1/{name}"))
    return path


def test_wheel_of_the_package_and_its_plugin_is_right(tmp_path):
    assert "7 files" in dist.check_wheel(write_wheel(tmp_path, INSIDE), TRACKED, "1")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([*INSIDE, "tests/unit/test_x.py"], "not expected: tests/unit/test_x.py"),
        ([*INSIDE, "langchain_segmind/__pycache__/x.pyc"], "not expected: langchain_segmind/__py"),
        (INSIDE[1:], "missing: langchain_segmind/__init__.py"),
        (INSIDE[:-1], "missing: langchain_segmind-1.dist-info/licenses/LICENSE"),
    ],
)
def test_wheel_with_more_or_less_is_rejected(tmp_path, names, words):
    with pytest.raises(SystemExit, match=words):
        dist.check_wheel(write_wheel(tmp_path, names), TRACKED, "1")


def test_wheel_of_another_version_is_rejected(tmp_path):
    with pytest.raises(SystemExit, match="says it is 2, expected 1"):
        dist.check_wheel(write_wheel(tmp_path, INSIDE, version="2"), TRACKED, "1")


PAGE = f"[a file]({addresses.REPOSITORY}/blob/v1/Makefile) [badge](https://img.example/x)"


def write_description(folder: Path, text: str) -> Path:
    path = folder / "langchain_segmind-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("langchain_segmind-1.dist-info/METADATA", f"Version: 1\n\n{text}\n")
    return path


def test_page_on_pypi_has_absolute_links(tmp_path):
    line = dist.check_description(write_description(tmp_path, PAGE), TRACKED, "1")

    assert line == "The page on PyPI: 2 links, 1 of them to files of v1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{PAGE} [b](docs/b.md)", "docs/b.md is not absolute"),
        (f"{PAGE} [b](#tools)", "#tools is not absolute"),
        (PAGE.replace("v1", "v2"), "Makefile is not at v2"),
        (PAGE.replace("Makefile", "gone.md"), "gone.md is not in this repository"),
        ("no links", "no link leads to this repository"),
    ],
)
def test_page_on_pypi_with_a_link_that_leads_nowhere_is_rejected(tmp_path, text, words):
    with pytest.raises(SystemExit, match=words):
        dist.check_description(write_description(tmp_path, text), TRACKED, "1")


def test_sdist_has_what_git_tracks(tmp_path):
    assert "5 files" in dist.check_sdist(write_sdist(tmp_path, [*TRACKED, "PKG-INFO"]), TRACKED)
    with pytest.raises(SystemExit, match=r"not expected: langchain_segmind-1/\.env"):
        dist.check_sdist(write_sdist(tmp_path, [*TRACKED, "PKG-INFO", ".env"]), TRACKED)
    with pytest.raises(SystemExit, match="missing: langchain_segmind-1/Makefile"):
        dist.check_sdist(write_sdist(tmp_path, [*TRACKED[1:], "PKG-INFO"]), TRACKED)


# --- addresses and the documentation site ----------------------------------------------------


def test_addresses_of_the_project_are_the_same_everywhere():
    pages = [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/*.ipynb")]
    tracked = [ROOT / "README.md", ROOT / "pyproject.toml", *pages]
    text = "\n".join(path.read_text() for path in tracked)
    owner, name = addresses.REPOSITORY.removeprefix("https://github.com/").split("/")

    used = set(re.findall(rf"https://github\.com/[\w-]+/{name}\b", text))
    assert used == {addresses.REPOSITORY}
    assert f"https://{owner}.github.io/{name}/" == addresses.DOCUMENTATION
    assert set(re.findall(rf"https://[\w-]+\.github\.io/{name}/", text)) == {
        addresses.DOCUMENTATION
    }


@pytest.mark.parametrize(
    ("link", "page", "target"),
    [
        ("../examples/rag.py", "docs/testing.md", "blob/main/examples/rag.py"),
        ("examples", "README.md", "tree/main/examples"),
        ("LICENSE#mit", "README.md", "blob/main/LICENSE#mit"),
        ("errors.md#limits", "docs/testing.md", None),
        ("benchmarks/overhead.svg", "README.md", None),
        ("https://www.segmind.com", "README.md", None),
        ("#limits", "docs/errors.md", None),
    ],
)
def test_link_to_a_file_leads_to_github(link, page, target):
    found = addresses.target_on_github(link, page)

    assert found == (target and f"{addresses.REPOSITORY}/{target}")


GOOD = '<h1 id="top">A</h1><a href="b.html#sub">b</a><a href="#top">top</a><img src="a.svg">'


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("", None),
        ('<a href="https://www.segmind.com/models">models</a>', None),
        (f'<a href="{addresses.REPOSITORY}/blob/main/Makefile">Makefile</a>', None),
        ('<a href="gone.html">x</a>', "a.html: gone.html does not exist"),
        ('<a href="b.html#gone">x</a>', "a.html: b.html#gone leads to no heading or name there"),
        ('<a href="http://example.com">x</a>', "http://example.com is not an https address"),
        (f'<a href="{addresses.REPOSITORY}/blob/main/gone.py">x</a>', "is not a file of this"),
        ('<img src="gone.svg">', "a.html: gone.svg does not exist"),
        ('<script src="https://cdn.example/x.js"></script>', "a.html: loads https://cdn.example/"),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', "a.html: loads //fonts.example/"),
    ],
)
def test_site_is_checked_for_links_that_lead_nowhere(tmp_path, more, fault):
    (tmp_path / "a.html").write_text(GOOD + more)
    (tmp_path / "b.html").write_text('<h2 id="sub">B</h2>')
    (tmp_path / "a.svg").write_text("<svg/>")

    found = list(site.check(tmp_path, site.read(tmp_path)))

    assert not found if fault is None else fault in found[0]


def test_site_is_checked_for_fonts_of_other_servers(tmp_path):
    (tmp_path / "a.css").write_text("@font-face { src: url('https://fonts.example/x.woff2') }")

    assert list(site.check(tmp_path, {})) == [
        "a.css: loads https://fonts.example/x.woff2 from another server"
    ]
