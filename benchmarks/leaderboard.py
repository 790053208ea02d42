"""Questions of the Berkeley Function Calling Leaderboard, and its own checker of the answers.

Both come from the wheel of bfcl-eval, of which nothing else is imported.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, resources
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from langchain_core.messages import AIMessage

from langchain_segmind import ChatSegmind

CATEGORIES: Final = ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance")

# The leaderboard's type names that JSON Schema does not have. Its checker expects text for "any".
_JSON_TYPES: Final = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}
_CALLER: Final = "any model"


@dataclass(frozen=True)
class Question:
    """A question, the functions on offer, and the calls that are right.

    Attributes:
        id: Its id on the leaderboard.
        category: One of `CATEGORIES`.
        messages: The conversation to answer.
        functions: The functions, as the leaderboard describes them.
        expected: For each call, its function and the values that each argument may have; empty if
            no function fits.
    """

    id: str
    category: str
    messages: Sequence[Mapping[str, str]]
    functions: Sequence[Mapping[str, Any]]
    expected: Sequence[Mapping[str, Any]] = ()

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions in OpenAI's form."""
        return [
            {
                "type": "function",
                "function": {
                    "name": tool_name(function["name"]),
                    "description": function["description"],
                    "parameters": _json_schema(function["parameters"]),
                },
            }
            for function in self.functions
        ]

    @property
    def expected_names(self) -> list[str]:
        """The tools to call, each as often as it should be called."""
        return [tool_name(name) for call in self.expected for name in call]

    def run(self, model: ChatSegmind) -> list[AIMessage]:
        """Send the question once. The model may call tools or reply in text."""
        return [model.bind_tools(self.tools).invoke([dict(message) for message in self.messages])]


# Given a question and the calls made, returns why they are wrong, or "".
Judge = Callable[[Question, Sequence[Mapping[str, Any]]], str]


def tool_name(function: str) -> str:
    """Return a function's name as a tool's: OpenAI allows no dots."""
    return function.replace(".", "_")


def sample(category: str, count: int, seed: int = 0) -> list[Question]:
    """Draw questions from a category. A larger sample contains every smaller one of the seed."""
    rows = sorted(_rows(f"BFCL_v4_{category}.json"), key=lambda row: str(row["id"]))
    random.Random(f"{seed} {category}").shuffle(rows)  # noqa: S311 - nothing to guess
    expected: dict[str, Any] = {}
    if category != "irrelevance":
        answers = _rows(f"possible_answer/BFCL_v4_{category}.json")
        expected = {row["id"]: row["ground_truth"] for row in answers}
    return [
        Question(
            id=row["id"],
            category=category,
            messages=row["question"][0],  # these categories have one turn
            functions=row["function"],
            expected=expected.get(row["id"], ()),
        )
        for row in rows[:count]
    ]


def ast_judge() -> Judge:
    """Return the leaderboard's own checker of names, types and values.

    Raises:
        ImportError: bfcl-eval is not installed.
    """
    # bfcl-eval 2026.3.23: this module imports the clients of all vendors. The checker only looks up
    # in it whether dots in the names of functions became underscores.
    configs = ModuleType("bfcl_eval.constants.model_config")
    vars(configs)["MODEL_CONFIG_MAPPING"] = {_CALLER: SimpleNamespace(underscore_to_dot=True)}
    sys.modules[configs.__name__] = configs
    python = import_module("bfcl_eval.constants.enums").Language.PYTHON
    checker = import_module("bfcl_eval.eval_checker.ast_eval.ast_checker").ast_checker

    def judge(question: Question, calls: Sequence[Mapping[str, Any]]) -> str:
        made = [{call["name"]: call["args"]} for call in calls]
        functions, expected = [*question.functions], [*question.expected]
        found = checker(functions, made, expected, python, question.category, _CALLER)
        return "" if found["valid"] else str(found["error_type"])

    return judge


def _rows(name: str) -> list[dict[str, Any]]:
    text = resources.files("bfcl_eval").joinpath("data", name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def _json_schema(described: Mapping[str, Any]) -> dict[str, Any]:
    schema = {name: value for name, value in described.items() if name != "optional"}
    schema["type"] = _JSON_TYPES.get(schema["type"], schema["type"])
    if "properties" in schema:
        parts = schema["properties"].items()
        schema["properties"] = {name: _json_schema(part) for name, part in parts}
    if "items" in schema:
        schema["items"] = _json_schema(schema["items"])
    return schema
