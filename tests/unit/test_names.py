"""Identifiers use the words that an engineer would search for, not a private dialect."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIALECT = re.compile(
    r"""tell(s|ing)?|told|sa(y|ys|ying|id)|hear(s|d|ing)?|heeds?|speak(s|ing)?|spoken?|book(s|ed)?|
    bills?|purses?|payers?|brakes?|errands?|manners?|blots?|verdicts?|patience|news|talks?|desks?|
    brains?|thinkers?|almanac|toolbox|leans?|siblings?""",
    re.VERBOSE,
)
ACCEPTED = {"bill"}  # the verb: the local gateway's ledger bills a run
FILES = [
    path.relative_to(ROOT)
    for folder in ("langchain_segmind", "tests", "examples", "benchmarks", "pytest_segmind.py")
    for path in [*(ROOT / folder).rglob("*.py"), ROOT / folder]
    if path.suffix == ".py"
]


def parts(name):
    """Split a snake_case or CamelCase identifier into its words, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def identifiers(node):
    """Give the names that a syntax node defines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.arg(arg=name) | ast.alias(asname=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name


def dialect_names(source, path):
    """List the (line, name) of every name in a file, and of its path, that has a dialect word."""
    defined = {(0, part) for part in path.parts}
    for node in ast.walk(ast.parse(source)):
        defined |= {(getattr(node, "lineno", 0), name) for name in identifiers(node)}
    return sorted(
        (line, name)
        for line, name in defined
        if name not in ACCEPTED and any(map(DIALECT.fullmatch, parts(name)))
    )


def test_dialect_is_found_in_whole_parts_of_names_only():
    source = "def is_told(news): self.TOLD = threshold = untold\nclass ToldBook: retold: int"

    names = {name for _, name in dialect_names(source, Path("tests/purse.py"))}
    assert names == {"is_told", "news", "TOLD", "ToldBook", "purse.py"}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_names_are_plain_words(path):
    assert dialect_names((ROOT / path).read_text(encoding="utf-8"), path) == []
