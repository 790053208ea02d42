"""Spoken arithmetic, rewritten as what a calculator takes: *double 21* becomes *21 * 2*."""

import re

_N = r"(-?(?<!\d)\d+(?:\.\d+)?)"

# Applied in turn.
_WRITTEN = tuple(
    (re.compile(spoken, re.IGNORECASE), written)
    for spoken, written in (
        (r"(?<=\d),(?=\d{3})", ""),
        (rf"\bdouble (?:of )?{_N}", r"\1 * 2"),
        (rf"\btriple (?:of )?{_N}", r"\1 * 3"),
        (rf"\b(?:halve|half of) {_N}", r"\1 / 2"),
        (rf"\bsubtract {_N} from {_N}", r"\2 - \1"),
        (rf"\b(?:add|the sum of) {_N} (?:and|to) {_N}", r"\1 + \2"),
        (rf"\bmultiply {_N} (?:by|and|with) {_N}", r"\1 * \2"),
        (rf"\bdivide {_N} by {_N}", r"\1 / \2"),
        (rf"{_N} ?(?:%|percent) of {_N}", r"\1 / 100 * \2"),
        (rf"{_N} squared\b", r"\1 ** 2"),
        (rf"\bsquare root of {_N}", r"\1 ** 0.5"),
        (rf"\bsquare of {_N}", r"\1 ** 2"),
        (r"(?<=\d) (?:times|multiplied by|x|\u00d7) (?=[\d(-])", " * "),
        (r"(?<=\d) plus (?=[\d(-])", " + "),
        (r"(?<=\d) minus (?=[\d(-])", " - "),
        (r"(?<=\d) (?:divided by|over|\u00f7) (?=[\d(-])", " / "),
    )
)
_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_OPERATION = re.compile(r"(?<=[\d)])\s*([-+/]|\*(?!\*))\s*(?=[\d(])")


def written(text: str) -> str:
    """Write the calculations of a text with signs; all else stays."""
    for spoken, signs in _WRITTEN:
        text = spoken.sub(signs, text)
    return text


def operations(text: str) -> list[str]:
    """Name the operations of a text: *add*, *subtract*, *multiply*, *divide*."""
    return [_OPERATIONS[hit[1]] for hit in _OPERATION.finditer(written(text))]
