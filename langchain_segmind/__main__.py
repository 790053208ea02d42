"""Commands: `python -m langchain_segmind models`, `credits` and `ask`.

They print; what they need is done by `ChatSegmind`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from langchain_segmind import ChatSegmind, SegmindError
from langchain_segmind._client.profiles import profile
from langchain_segmind._text import dollars
from langchain_segmind.models import ModelInfo, chat_models

_HEAD = ("slug", "format", "images", "input tokens", "seconds", "queue", "grade")
_YES_OR_NO = {True: "yes", False: "no", None: "?"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command line; by default the program's.

    Returns:
        The exit code: 1 after an error, which is printed.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except ValidationError as error:
        return _fail(error.errors()[0]["msg"].removeprefix("Value error, "))
    except (SegmindError, ValueError) as error:
        return _fail(str(error))
    except BrokenPipeError:  # `... models | head`: Python would complain at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m langchain_segmind",
        description="Segmind's LLMs on the command line. The key is read from SEGMIND_API_KEY.",
    )
    parser.set_defaults(run=lambda _: parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND")
    models = commands.add_parser("models", help="list the chat models; works offline")
    models.add_argument("--live", action="store_true", help="read the vendor's list; needs no key")
    models.add_argument("--markdown", action="store_true", help="as the table in docs/models.md")
    models.set_defaults(run=_models)
    credits_ = commands.add_parser("credits", help="show the balance; free of charge")
    credits_.set_defaults(run=_credits)
    ask = commands.add_parser("ask", help="ask a model; costs what the model costs")
    ask.add_argument("question", nargs="*", help="the question; by default standard input")
    ask.add_argument("--model", default="gpt-4o", help="a slug; by default gpt-4o")
    ask.set_defaults(run=_ask)
    return parser


def _models(options: argparse.Namespace) -> None:
    models = ChatSegmind.list_models() if options.live else chat_models().values()
    rows = [_row(model) for model in models]
    print(_markdown(rows) if options.markdown else _plain(rows))


def _credits(_: argparse.Namespace) -> None:
    with ChatSegmind(model="gpt-4o") as model:
        balance = model.get_credits()
    parts = f"purchased {dollars(balance.credits)}, free {dollars(balance.free_credits)}"
    print(f"{dollars(balance.total)} ({parts})")


def _ask(options: argparse.Namespace) -> None:
    question = " ".join(options.question) or sys.stdin.read()
    with ChatSegmind(model=options.model) as model:
        message = model.invoke(question)
    print(message.text)
    cost = message.response_metadata.get("cost")
    if cost is not None:
        print(f"{options.model}: {dollars(cost)}", file=sys.stderr)


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


# --- the table of models -------------------------------------------------------------------------


def _row(model: ModelInfo) -> tuple[str, ...]:
    size = profile(model).get("max_input_tokens")
    return (
        model.slug + (" (deprecated)" if model.is_deprecated else ""),
        model.family,
        _YES_OR_NO[model.images],
        "?" if size is None else f"{size:,}",
        "?" if model.seconds is None else f"{model.seconds:g}",
        _YES_OR_NO[model.is_slow],
        model.grade,
    )


def _markdown(rows: Iterable[tuple[str, ...]]) -> str:
    cells = [(f"`{slug}`", *others) for slug, *others in rows]
    lines = [_HEAD, ("---",) * len(_HEAD), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(rows: Iterable[tuple[str, ...]]) -> str:
    lines = [_HEAD, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join(line.rstrip() for line in padded)


if __name__ == "__main__":
    sys.exit(main())
