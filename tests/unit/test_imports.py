"""Imports go one way, and only `_http` touches the network or the clock."""

import ast
from pathlib import Path

import pytest

import langchain_segmind

ROOT = Path(langchain_segmind.__file__).parent
MAY_IMPORT = {
    "__init__": {
        "_catalogue",
        "_live",
        "_version",
        "chat_models",
        "credits",
        "embeddings",
        "errors",
    }
    | {"jobs", "media", "progress"},
    "media": set(),
    "progress": {"_bar", "_events", "credits"},
    "_bar": set(),
    "_version": set(),
    "errors": set(),
    "_frozen": set(),
    "_exchange": {"_frozen"},
    "_config": set(),
    "_live": {"_frozen", "errors"},
    "jobs": set(),
    "_json_repair": set(),
    "_prompt": {"_frozen", "_json_repair", "errors"},
    "_books": {"_frozen", "errors"},
    "credits": {"_books"},
    "_bill": {"_books", "_exchange", "_prompt", "credits", "errors"},
    "_events": {"_bill", "_exchange"},
    "_escape": set(),
    "_results": {"_prompt"},
    "_refusal": set(),
    "_messages": {"_config", "_prompt", "_refusal", "_results"},
    "_models": {"_catalogue", "_client", "_config", "_flow", "_http", "_live", "_retry"},
    "_tools": {"_envelope", "_escape", "_json_repair", "_parse", "_prompt", "_results"},
    "_parse": {"_calls", "_json_repair", "_prompt", "_quotes", "_scan"},
    "_calls": {"_prompt"},
    "_quotes": set(),
    "_scan": {"_json_repair"},
    "_envelope": {"_prompt"},
    "_toolbox": {"_config", "_envelope", "_prompt"},
    "_wire": {"_prompt", "_results", "errors"},
    "_catalogue": {"_prompt", "_wire", "errors"},
    "_retry": {"_frozen", "_exchange"},
    "_verdict": {"_exchange", "_retry", "errors"},
    "_send": {"_frozen", "_exchange", "_retry", "_verdict", "errors"},
    "_queue": {"_frozen", "_exchange", "_retry", "_send", "_verdict", "_wire", "errors"},
    "_flow": {
        "_frozen",
        "_catalogue",
        "_exchange",
        "_live",
        "_prompt",
        "_queue",
        "_retry",
        "_send",
        "_tools",
    }
    | {"_verdict", "_wire", "errors"},
    "_http": {"_frozen", "_config", "_exchange", "_version", "errors"},
    "_structured": {"_prompt", "_refusal"},
    "_client": {"_config", "_exchange", "_flow", "_http", "_live", "_prompt", "_retry", "credits"},
    "_settings": {"_catalogue", "_client", "_config", "_flow", "_prompt", "_queue"}
    | {"_structured", "_toolbox", "_wire"},
    "chat_models": {
        "_catalogue",
        "_client",
        "_config",
        "_events",
        "_exchange",
        "_flow",
        "_messages",
    }
    | {"_models", "_prompt", "_refusal", "_settings", "_structured", "_toolbox", "_version"}
    | {"_wire"}
    | {"_bill", "_live", "credits", "jobs"},
    "embeddings": {
        "_frozen",
        "_bill",
        "_catalogue",
        "_client",
        "_config",
        "_exchange",
        "_flow",
        "_http",
    }
    | {"_bar", "_messages", "_prompt", "errors"},
    "testing": set(),
}
DOORS = {
    "requests",
    "urllib3",
    "aiohttp",
    "http",
    "socket",
    "time",
    "asyncio",
    "random",
    "threading",
}


def imports():
    """Give (our module, file, imported name) for every import of the package."""
    for path in sorted(ROOT.rglob("*.py")):
        inside = path.relative_to(ROOT)
        module = inside.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((module, inside, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{inside}: relative imports hide where a name comes from"
                yield from ((module, inside, f"{node.module}.{a.name}") for a in node.names)


def test_imports_go_one_way():
    for module, file, name in imports():
        if name.startswith("langchain_segmind."):
            other = name.split(".")[1]
            assert other == module or other in MAY_IMPORT[module], (
                f"{file} imports {other}, but {module} may only import {sorted(MAY_IMPORT[module])}"
            )


def test_only_http_touches_the_network_and_the_clock():
    for module, file, name in imports():
        serves_all_threads = module in ("_bar", "_books", "credits", "progress")
        is_for_them = serves_all_threads and name in ("threading", "asyncio")
        if module not in ("_http", "testing") and not is_for_them:
            assert name.split(".")[0] not in DOORS, f"{file} imports {name}; only _http may"


def test_formats_never_import_one_another():
    for _, file, name in imports():
        if file.parts[0] == "_wire" and name.startswith("langchain_segmind._wire."):
            shared = name.split(".")[2] in ("_bytes", "_values", "_turns", "_gemini_schema")
            assert shared or file.name == "__init__.py", f"{file} imports {name}"


@pytest.mark.parametrize("module", sorted(MAY_IMPORT))
def test_the_map_names_no_module_that_is_gone(module):
    assert (ROOT / f"{module}.py").exists() or (ROOT / module).is_dir()
