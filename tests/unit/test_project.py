"""The project's own promises."""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import langchain_segmind

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest depends on it

ROOT = Path(__file__).parents[2]


def test_tested_floors_are_those_of_the_dependencies():
    tested = dict(re.findall(r"([a-z0-9-]+)==([\d.]+)", _read("Makefile")))

    for name, requirement in _dependencies().items():
        (floor,) = [each.version for each in requirement.specifier if each.operator == ">="]
        assert Version(tested[name]) == Version(floor), name


def test_every_dependency_has_a_floor_with_a_reason_and_a_ceiling():
    block = _read("pyproject.toml").split("\ndependencies = [")[1].split("\n]")[0]
    reasons = dict(re.findall(r'((?:^ +#.*\n)*) +"([a-z0-9-]+)(?=>=)', block, re.MULTILINE))
    inline = re.findall(r'^ +"([a-z0-9-]+)>=.*",? +# .+', block, re.MULTILINE)

    explained = {name for comment, name in reasons.items() if comment} | set(inline)
    assert explained == set(_dependencies())
    for name, requirement in _dependencies().items():
        assert sorted(each.operator for each in requirement.specifier) == ["<", ">="], name


def test_pre_commit_runs_the_commands_of_make_check():
    recipe = re.findall(r"^check:.*\n((?:\t.+\n)+)", _read("Makefile"), re.MULTILINE)[0]
    in_venv = recipe.replace("$(BIN)", ".venv/bin").replace("\t", "").splitlines()
    [repository] = yaml.safe_load(_read(".pre-commit-config.yaml"))["repos"]

    assert [hook["entry"] for hook in repository["hooks"]] == in_venv
    assert {(hook["language"], hook["pass_filenames"]) for hook in repository["hooks"]} == {
        ("system", False)
    }


@dataclass(frozen=True)
class Import:
    """One import of a library: its name on PyPI, where, and whether only a call needs it."""

    library: str
    file: str
    is_late: bool


def imported_libraries():
    """Find every library of somebody else that the code imports, in functions as well."""
    package = Path(langchain_segmind.__file__).parent
    ours = {"langchain_segmind", *sys.stdlib_module_names}
    for path in [*package.rglob("*.py"), package.parent / "pytest_segmind.py"]:
        for name, is_late in imported_names(ast.parse(path.read_text(encoding="utf-8"))):
            module = name.split(".")[0]
            if module not in ours:
                yield Import(module.replace("_", "-"), path.name, is_late)


def imported_names(tree, is_late=False):
    """Give each imported module of a syntax tree, and whether it stands within a function."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, is_late) for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module, is_late
        within = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imported_names(node, is_late or within)


def test_every_imported_library_is_a_dependency():
    extras = set().union(*map(_requirements, _project()["optional-dependencies"].values()))

    for found in imported_libraries():
        if found == Import("pytest", "pytest_segmind.py", is_late=False):
            continue  # pytest is what loads it
        declared = set(_dependencies()) | (extras if found.is_late else set())
        assert found.library in declared, found


def test_every_dependency_is_imported():
    assert set(_dependencies()) == {
        found.library for found in imported_libraries() if not found.is_late
    } - {"pytest"}


def _project():
    return tomllib.loads(_read("pyproject.toml"))["project"]


def _dependencies():
    return _requirements(_project()["dependencies"])


def _requirements(lines):
    return {requirement.name: requirement for requirement in map(Requirement, lines)}


def _read(name):
    return (ROOT / name).read_text()


def test_changelog_has_this_version():
    assert f"## {langchain_segmind.__version__}" in _read("CHANGELOG.md")


def assert_runs(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_no_aiohttp_tqdm_or_local_gateway():
    code = (
        "import sys, langchain_segmind\n"
        "late = {'aiohttp', 'tqdm'}\n"
        "late |= {'langchain_segmind.testing', 'langchain_segmind._http.aiohttp_driver'}\n"
        "sys.exit(str(late & set(sys.modules)) if late & set(sys.modules) else 0)"
    )

    assert_runs(code)


def test_importing_the_package_makes_no_catalogue():
    code = (
        "from langchain_segmind import ChatSegmind, models\n"
        "assert models.chat_models.cache_info().currsize == 0\n"
        "ChatSegmind(model='gpt-4o', api_key='SG_0123456789')\n"
        "assert models.chat_models.cache_info().currsize == 1"
    )

    assert_runs(code)
