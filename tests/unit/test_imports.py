"""Imports go one way between the folders, only `_http` does I/O, and libraries are dependencies."""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import langchain_segmind
from tests.unit.test_project import dependencies, extras

ROOT = Path(langchain_segmind.__file__).parent

# A folder, or one module of it. those of `BELOW` stand below everything.
MAY_IMPORT = {
    "errors": set(),
    "_messages": {"_client.validation"},
    "_tool_emulation": {"_messages"},
    "_formats": {"_messages"},
    "models": {"_messages.types", "_formats"},
    "_flows": {"_messages", "_tool_emulation", "_formats", "models"},
    "_http": {"_flows.types", "_flows.retry", "_client.validation"},
    "_accounting": {"_flows.types", "_messages.types"},
    "_client": {"_messages", "_formats", "models", "_flows", "_http", "_accounting", "usage"},
    "testing": set(),
}
BELOW = {"_context_overflow", "_text", "_value", "_version", "errors"}
IMPORT_NOTHING = {*(BELOW - {"errors"}), "_client/validation.py"}
DOORS = {"aiohttp", "asyncio", "http", "random", "requests", "socket", "threading", "time"}
DOORS |= {"urllib3"}
# Objects that many threads share have locks, and ask which thread and loop they run in.
SHARED = {"_accounting", "progress.py", "_client/terminal_bar.py"}


@dataclass(frozen=True)
class Import:
    """One import: the file in the package, what it names, and whether only a call needs it."""

    file: Path
    name: str
    is_late: bool

    @property
    def library(self):
        return self.name.split(".")[0].replace("_", "-")


def imported_names(tree, is_late=False):
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, is_late) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                assert level == 0, "relative imports hide where a name comes from"
                yield from ((f"{module}.{alias.name}", is_late) for alias in names)
        within = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imported_names(node, is_late or within)


PLUGIN = Path("../pytest_segmind.py")
FILES = [*(path.relative_to(ROOT) for path in sorted(ROOT.rglob("*.py"))), PLUGIN]
IMPORTS = [
    Import(file, name, is_late)
    for file in FILES
    for name, is_late in imported_names(ast.parse((ROOT / file).read_text(encoding="utf-8")))
]
# (file, module of this package that it imports), as `_flows.types`
OWN_IMPORTS = [
    (each.file, each.name.removeprefix("langchain_segmind."))
    for each in IMPORTS
    if each.name.startswith("langchain_segmind.")
]
OWN_OR_STDLIB = {"langchain_segmind", *sys.stdlib_module_names}
LIBRARIES = [each for each in IMPORTS if each.name.split(".")[0] not in OWN_OR_STDLIB]
LIBRARIES.remove(Import(PLUGIN, "pytest", is_late=False))  # pytest is what loads the plugin


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_go_one_way(folder):
    allowed = {folder, *MAY_IMPORT[folder], *(BELOW - {"testing"} if folder != "testing" else ())}

    for file, name in OWN_IMPORTS:
        if file.parts[0].removesuffix(".py") == folder and str(file) not in IMPORT_NOTHING:
            known = any(name == a or name.startswith(f"{a}.") for a in allowed)
            assert known, f"{file} imports {name}; {folder} may import {sorted(allowed)}"


@pytest.mark.parametrize("file", sorted(IMPORT_NOTHING))
def test_module_below_everything_imports_nothing_of_this_package(file):
    assert [
        name for at, name in OWN_IMPORTS if str(at).removesuffix(".py") == file.removesuffix(".py")
    ] == []


def test_nothing_imports_a_public_module_but_other_public_modules():
    public = {path.stem for path in ROOT.glob("[a-z]*.py")} - {"errors", "models", "usage"}

    for file, name in OWN_IMPORTS:
        if file.parts[0].startswith("_") and file.name != "__init__.py":
            assert name.split(".")[0] not in public, f"{file} imports {name}"


def test_only_http_does_io_and_knows_the_time():
    for each in IMPORTS:
        folder, library = each.file.parts[0], each.library
        is_shared = {folder, str(each.file)} & SHARED and library in ("threading", "asyncio")
        if folder not in ("_http", "testing") and not is_shared:
            assert library not in DOORS, f"{each}; only _http may"


def test_formats_never_import_one_another():
    formats = {"openai", "anthropic", "gemini"}

    for file, name in OWN_IMPORTS:
        if file.parts[0] == "_formats" and file.stem in formats:
            others = formats - {file.stem}
            assert name.removeprefix("_formats.").split(".")[0] not in others, f"{file}: {name}"


def test_every_imported_library_is_a_dependency():
    for each in LIBRARIES:
        declared = set(dependencies()) | (extras() if each.is_late else set())
        assert each.library in declared, each


def test_every_dependency_is_imported():
    assert set(dependencies()) == {each.library for each in LIBRARIES if not each.is_late}
