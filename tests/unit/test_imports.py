"""Imports go one way between the folders, and only `_http` does I/O, sleeps or uses randomness."""

import ast
from pathlib import Path

import pytest

import langchain_segmind

ROOT = Path(langchain_segmind.__file__).parent

# A folder, or one module of it. `_text`, `_value`, `_version` and `errors` stand below everything.
MAY_IMPORT = {
    "errors": set(),
    "_messages": {"_client.validation"},
    "_tool_emulation": {"_messages"},
    "_formats": {"_messages"},
    "models": {"_messages.types", "_formats"},
    "_flows": {"_messages", "_tool_emulation", "_formats", "models"},
    "_http": {"_flows.types", "_client.validation"},
    "_accounting": {"_flows.types", "_messages.types"},
    "_client": {"_messages", "_formats", "models", "_flows", "_http", "_accounting", "usage"},
    "testing": set(),
}
BELOW = {"_text", "_value", "_version", "errors"}
IMPORT_NOTHING = {*(BELOW - {"errors"}), "_client/validation.py"}
DOORS = {"aiohttp", "asyncio", "http", "random", "requests", "socket", "threading", "time"}
DOORS |= {"urllib3"}
# Objects that many threads share have locks, and ask which thread and loop they run in.
SHARED = {"_accounting", "progress.py", "_client/terminal_bar.py"}


def imports():
    """Give (file in the package, what it imports) for every import."""
    for path in sorted(ROOT.rglob("*.py")):
        file = path.relative_to(ROOT)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((file, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: relative imports hide where a name comes from"
                yield from ((file, f"{node.module}.{alias.name}") for alias in node.names)


def own_imports():
    """Give (file, module of this package that it imports), as `_flows.types`."""
    for file, name in imports():
        if name.startswith("langchain_segmind."):
            yield file, name.removeprefix("langchain_segmind.")


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_go_one_way(folder):
    allowed = {folder, *MAY_IMPORT[folder], *(BELOW - {"testing"} if folder != "testing" else ())}

    for file, name in own_imports():
        if file.parts[0].removesuffix(".py") == folder and str(file) not in IMPORT_NOTHING:
            known = any(name == a or name.startswith(f"{a}.") for a in allowed)
            assert known, f"{file} imports {name}; {folder} may import {sorted(allowed)}"


@pytest.mark.parametrize("file", sorted(IMPORT_NOTHING))
def test_module_below_everything_imports_nothing_of_this_package(file):
    assert [
        name
        for at, name in own_imports()
        if str(at).removesuffix(".py") == file.removesuffix(".py")
    ] == []


def test_nothing_imports_a_public_module_but_other_public_modules():
    public = {path.stem for path in ROOT.glob("[a-z]*.py")} - {"errors", "models", "usage"}

    for file, name in own_imports():
        if file.parts[0].startswith("_") and file.name != "__init__.py":
            assert name.split(".")[0] not in public, f"{file} imports {name}"


def test_only_http_does_io_and_knows_the_time():
    for file, name in imports():
        top = name.split(".")[0]
        is_shared = {file.parts[0], str(file)} & SHARED and top in ("threading", "asyncio")
        if file.parts[0] not in ("_http", "testing") and not is_shared:
            assert top not in DOORS, f"{file} imports {name}; only _http may"


def test_formats_never_import_one_another():
    formats = {"openai", "anthropic", "gemini"}

    for file, name in own_imports():
        if file.parts[0] == "_formats" and file.stem in formats:
            others = formats - {file.stem}
            assert name.removeprefix("_formats.").split(".")[0] not in others, f"{file}: {name}"
