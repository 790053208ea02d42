"""Check that the names, classes and statuses on the pages are those of the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core import exceptions
from langchain_core.language_models import BaseChatModel
from pydantic import AliasChoices

import langchain_segmind
from benchmarks import chart, scale
from langchain_segmind import ChatSegmind, SegmindEmbeddings, errors
from langchain_segmind.__main__ import main
from langchain_segmind._flows.unknown_models import similar_slugs
from langchain_segmind.models import chat_models

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
ERRORS = (ROOT / "docs/errors.md").read_text()
MODELS = (ROOT / "docs/models.md").read_text()
MIGRATION = (ROOT / "docs/migration.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def rows(page, heading):
    """The cells of the first table below a heading."""
    below = page.split(f"\n{heading}\n")[1]
    table = re.findall(r"(?:^\|.*\n)+", below, re.MULTILINE)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def names(cell):
    return re.findall(r"`(\w+)`", cell)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not target.startswith(("http", "#")):
            assert (page.parent / target.split("#")[0]).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_classes_on_a_page_exist(page):
    text = page.read_text()

    for name in re.findall(r"`((?:examples|docs|tests|benchmarks)/[\w/.]+)`", text):
        assert (ROOT / name).exists(), f"{page.name}: {name}"
    for name in re.findall(r"\b(Segmind\w+(?:Error|Embeddings|Job))\b", text):
        assert hasattr(langchain_segmind, name), f"{page.name}: {name}"


# --- errors ----------------------------------------------------------------------------------

ROWS = {names(row[0])[0]: row for row in rows(ERRORS, "## The errors")}
MESSAGES = ["", "Insufficient credits", "this model's maximum context length is 8192 tokens"]


def classes_for(status):
    return {errors.error_class_for(status, text)[0].__name__ for text in MESSAGES}


def documented_statuses(name):
    when = ROWS[name][2]
    ranges = {"3xx": range(300, 309), "5xx": range(500, 600)}
    listed = {int(number) for number in re.findall(r"\b[45]\d\d\b", when)}
    return listed.union(*(ranges[word] for word in ranges if word in when))


def test_errors_page_has_every_class():
    assert set(ROWS) == set(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_error_has_the_bases_on_the_page(name):
    cls = getattr(errors, name)
    known = {**vars(exceptions), **vars(errors), "ValueError": ValueError}
    known |= {"RuntimeError": RuntimeError, "TimeoutError": TimeoutError}

    documented = set(names(ROWS[name][1]))
    assert all(issubclass(cls, known[other]) for other in documented)
    assert {base.__name__ for base in cls.__bases__} - {"SegmindError"} == documented


@pytest.mark.parametrize("name", errors.__all__)
def test_error_is_raised_for_the_statuses_on_the_page(name):
    for status in documented_statuses(name):
        assert name in classes_for(status), status


@pytest.mark.parametrize("status", [*range(300, 309), *range(400, 430), *range(500, 512)])
def test_status_is_on_the_page_in_the_row_of_its_error(status):
    name = errors.error_class_for(status, "")[0].__name__
    is_rare = 400 <= status < 500 and status not in errors._BY_STATUS

    assert status in documented_statuses(name) or (is_rare and "other 4xx" in ROWS[name][2])


def test_errors_page_has_every_attribute_of_an_error():
    error = errors.SegmindError("x")
    documented = names(ERRORS.split("## What an error holds")[1])

    assert set(vars(error)) | {"billed"} == set(documented)


# --- migration -------------------------------------------------------------------------------


def fields_of(cls: Any) -> set[str]:
    found = set(cls.model_fields)
    for field in cls.model_fields.values():
        alias = field.validation_alias
        found |= {alias} if isinstance(alias, str) else set()
        found |= set(alias.choices) if isinstance(alias, AliasChoices) else set()
    return found


def test_arguments_and_methods_on_the_migration_page_exist():
    for row in rows(MIGRATION, "## Arguments"):
        assert set(names(row[1])) <= fields_of(ChatSegmind), row
    for row in rows(MIGRATION, "## OpenAIEmbeddings"):
        assert set(names(row[1])) <= fields_of(SegmindEmbeddings), row
    for row in rows(MIGRATION, "## Methods"):
        assert all(callable(getattr(ChatSegmind, name)) for name in names(row[1])), row


ALONE = [row for row in rows(MIGRATION, "## Arguments") if row[1] == "none"]


@pytest.mark.parametrize("name", [name for row in ALONE for name in names(row[0])])
def test_argument_without_a_counterpart_is_refused_or_left_out(name):
    assert name not in fields_of(ChatSegmind)
    if name == "stream_usage":
        with pytest.warns(UserWarning, match=name):
            ChatSegmind(model="gpt-4o", api_key="SG_key", stream_usage=True)
        return
    with pytest.raises(ValueError, match=name):
        ChatSegmind(model="gpt-4o", api_key="SG_key", **{name: "x"})


def test_every_argument_without_a_counterpart_is_explained():
    assert len(ALONE) >= 5
    assert all(len(row[2]) > 40 for row in ALONE)


NAMES = rows(MIGRATION, "## Names of models")


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row[1])
def test_maker_name_on_the_page_leads_to_its_slug(row):
    [slug] = re.findall(r"`([^`]+)`", row[1])
    own = re.findall(r"`([^`]+)`", row[0])

    assert own
    assert {similar_slugs(name)[0] for name in own} == {slug}
    assert slug in chat_models()


@pytest.mark.parametrize("name", ["openai_api_key", "openai_organization", "organization"])
def test_argument_raises_an_error_when_the_page_lists_it_as_one(name):
    with pytest.raises(ValueError, match=f"{name} cannot be set") as caught:
        ChatSegmind(model="gpt-4o", api_key="SG_key", **{name: "sk-secret"})

    assert "sk-secret" not in repr(caught.value)


def test_every_argument_of_chatopenai_is_on_the_page():
    theirs = pytest.importorskip("langchain_openai", reason="`make faults` installs it")
    fields = theirs.ChatOpenAI.model_fields

    documented = {name for row in rows(MIGRATION, "## Arguments") for name in names(row[0])}
    own = set(fields) - set(BaseChatModel.model_fields)
    assert own | {fields[name].alias or name for name in own} <= documented


# --- the chart of the README ------------------------------------------------------------------


def test_chart_shows_the_stored_results():
    results = json.loads((ROOT / "benchmarks/results.json").read_text())

    assert (ROOT / "benchmarks/overhead.svg").read_text() == chart.draw(results)


# --- scaling ---------------------------------------------------------------------------------


def cells(text):
    """The cells of all rows of tables."""
    return [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]


def test_tables_of_the_scaling_page_are_those_that_the_benchmark_writes():
    page = (ROOT / "docs/scaling.md").read_text()
    written = page.partition(scale.BEGIN)[2].partition(scale.END)[0]

    found, known = cells(written), cells(scale.tables(scale.Figures()))
    assert [row[: scale.LABELS] for row in found] == [row[: scale.LABELS] for row in known]
    assert [len(row) for row in found] == [len(row) for row in known]


# --- models ----------------------------------------------------------------------------------


def test_table_of_models_is_what_the_command_prints(capsys):
    assert main(["models", "--markdown"]) == 0

    assert MODELS.endswith(f"\n\n{capsys.readouterr().out}")


# --- CONTRIBUTING ----------------------------------------------------------------------------


def test_contributing_names_no_file_that_is_gone():
    for name in re.findall(r"`([\w/]+\.(?:py|md))`", CONTRIBUTING):
        places = (ROOT / "langchain_segmind" / name, ROOT / name, ROOT / "tests" / name)
        assert any(place.exists() for place in places), name


def test_every_command_of_contributing_is_one_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    asked = set(re.findall(r"\bmake ([a-z-]+)", CONTRIBUTING))
    assert asked
    assert asked <= targets
