"""The project's own promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import langchain_segmind

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest depends on it

ROOT = Path(__file__).parents[2]


def test_tested_floors_are_those_of_thedependencies():
    tested = dict(re.findall(r"([a-z0-9-]+)==([\d.]+)", _read("Makefile")))

    for name, requirement in dependencies().items():
        (floor,) = [each.version for each in requirement.specifier if each.operator == ">="]
        assert Version(tested[name]) == Version(floor), name


# The first version without the named advisory, or flaw. A row leaves this table
# only for a higher version: bounds get lost in merges.
SAFE = {
    "aiohttp": ("3.14.3", "CVE-2026-69244"),
    "langchain": ("1.3.9", "GHSA-gr75-jv2w-4656"),
    "langchain-classic": ("1.0.7", "CVE-2026-45134"),
    "langchain-core": ("1.3.3", "CVE-2026-44843"),
    "langchain-openai": ("1.1.14", "CVE-2026-41488"),
    "langchain-text-splitters": ("1.1.2", "GHSA-fv5p-p927-qmxr"),
    "pydantic": ("2.9", "an error when langsmith is imported"),
    "requests": ("2.33", "CVE-2026-25645"),
    "tqdm": ("4.66.3", "CVE-2024-34062"),
    "urllib3": ("2.8", "GHSA-8988-9cw3-xx77"),
}


@pytest.mark.parametrize("name", SAFE)
def test_no_floor_lets_in_a_version_with_a_known_flaw(name):
    version, advisory = SAFE[name]
    asked = [
        requirement
        for lines in (_project()["dependencies"], *_project()["optional-dependencies"].values())
        for requirement in map(Requirement, lines)
        if requirement.name == name
    ]

    assert asked, "remove the row of a library that is not used any more"
    for requirement in asked:
        (floor,) = [each.version for each in requirement.specifier if each.operator == ">="]
        assert Version(floor) >= Version(version), f"{requirement} lets in {advisory}"


def test_every_dependency_has_a_floor_with_a_reason_and_a_ceiling():
    block = _read("pyproject.toml").split("\ndependencies = [")[1].split("\n]")[0]
    reasons = dict(re.findall(r'((?:^ +#.*\n)*) +"([a-z0-9-]+)(?=>=)', block, re.MULTILINE))
    inline = re.findall(r'^ +"([a-z0-9-]+)>=.*",? +# .+', block, re.MULTILINE)

    explained = {name for comment, name in reasons.items() if comment} | set(inline)
    assert explained == set(dependencies())
    for name, requirement in dependencies().items():
        assert sorted(each.operator for each in requirement.specifier) == ["<", ">="], name


def test_pre_commit_runs_the_commands_of_make_check():
    recipe = re.findall(r"^check:.*\n((?:\t.+\n)+)", _read("Makefile"), re.MULTILINE)[0]
    in_venv = recipe.replace("$(BIN)", ".venv/bin").replace("\t", "").splitlines()
    [repository] = yaml.safe_load(_read(".pre-commit-config.yaml"))["repos"]

    assert [hook["entry"] for hook in repository["hooks"]] == in_venv
    assert {(hook["language"], hook["pass_filenames"]) for hook in repository["hooks"]} == {
        ("system", False)
    }


def _project():
    return tomllib.loads(_read("pyproject.toml"))["project"]


def dependencies():
    return _requirements(_project()["dependencies"])


def extras():
    """List the libraries of all extras."""
    return set().union(*map(_requirements, _project()["optional-dependencies"].values()))


def _requirements(lines):
    return {requirement.name: requirement for requirement in map(Requirement, lines)}


def _read(name):
    return (ROOT / name).read_text()


def test_changelog_has_this_version():
    assert f"## {langchain_segmind.__version__}" in _read("CHANGELOG.md")


def test_importing_the_package_imports_and_computes_nothing_that_can_wait():
    code = (
        "import sys, langchain_segmind, pytest_segmind\n"
        "late = {'aiohttp', 'tqdm', 'langchain_core.tools.base', 'langchain_segmind.testing'}\n"
        "late.add('langchain_segmind._http.aiohttp_driver')\n"
        "assert not late & set(sys.modules), late & set(sys.modules)\n"
        "from langchain_segmind import ChatSegmind, models\n"
        "assert models.chat_models.cache_info().currsize == 0\n"
        "ChatSegmind(model='gpt-4o', api_key='SG_0123456789')\n"
        "assert models.chat_models.cache_info().currsize == 1"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_an_answer_without_tools_imports_nothing_of_emulated_tools():
    code = (
        "import asyncio, sys\n"
        "from langchain_segmind import ChatSegmind\n"
        "from langchain_segmind.testing import LocalGateway\n"
        "with LocalGateway() as gateway:\n"
        "    to = {'base_url': gateway.base_url, 'api_key': gateway.api_key}\n"
        "    with ChatSegmind(model='gpt-4o', **to) as model:\n"
        "        assert 'Hello' in model.invoke('Hello').text\n"
        "        assert 'Hello' in asyncio.run(model.ainvoke('Hello')).text\n"
        "late = [name for name in sys.modules if '_tool_emulation' in name]\n"
        "assert not late, late\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
