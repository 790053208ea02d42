"""The project's own promises."""

import re
import subprocess
import sys
from pathlib import Path

import langchain_segmind

ROOT = Path(__file__).parents[2]


def test_the_floors_tested_are_those_promised():
    promised = re.findall(
        r'^    "([a-z-]+)>=([\d.]+),<\d+", +#', _read("pyproject.toml"), re.MULTILINE
    )
    tested = dict(re.findall(r"([a-z-]+)==([\d.]+)", _read("Makefile")))

    floors = {name: bound for name, bound in promised if name in _dependencies()}
    assert set(floors) == _dependencies()
    for name, bound in floors.items():
        assert tested[name] == bound + ".0" * (2 - bound.count(".")), name


def _dependencies():
    block = _read("pyproject.toml").split("\ndependencies = [")[1].split("\n]")[0]
    return set(re.findall(r'"([a-z-]+)>=', block))


def _read(name):
    return (ROOT / name).read_text()


def test_the_changelog_tells_of_this_version():
    assert f"## {langchain_segmind.__version__}" in _read("CHANGELOG.md")


def assert_runs(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_no_aiohttp_tqdm_or_local_gateway():
    code = (
        "import sys, langchain_segmind\n"
        "late = {'aiohttp', 'tqdm'}\n"
        "late |= {'langchain_segmind.testing', 'langchain_segmind._http._async'}\n"
        "sys.exit(str(late & set(sys.modules)) if late & set(sys.modules) else 0)"
    )

    assert_runs(code)


def test_importing_the_package_makes_no_catalogue():
    code = (
        "from langchain_segmind import ChatSegmind, _catalogue\n"
        "assert _catalogue.chat_cards.cache_info().currsize == 0\n"
        "ChatSegmind(model='gpt-4o', api_key='SG_0123456789')\n"
        "assert _catalogue.chat_cards.cache_info().currsize == 1"
    )

    assert_runs(code)
