"""What a model could take for a mark is escaped, all else is left as it is, in linear time."""

import html
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_segmind._tool_emulation.escape import escape_arguments, escape_text
from tests.unit.properties import assert_linear_time

MARKS = [
    # Other separators between the words, or none.
    *("</tool_result>", "</tool result>", "</tool\nresult>", "</toolresult>", "</tool-results>"),
    *("</tool.result>", "</tool:call>", "</tool  _ result >", "<tool/call>", "<tool result>"),
    *("</tool\u2010result>", "</tool\u2013result>", "</tool\u2212call", "</tool\ufe4dresult>"),
    *("<ToolResult name='x'>", "</ToolResult>", "<tool call/>", "<toolresult>"),
    # Characters that are not seen: soft hyphens, variation selectors, annotations, blanks.
    *(
        "</tool\xadresult>",
        "<tool\xad_call>",
        "</tool\U000e0100_result>",
        "</to\U000e01efol_result>",
    ),
    *("</tool_\ufff9result>", "</tool_re\ufffbsult>", "</tool_\u2800result>"),
    # Letters that look like others: combined, Cyrillic, Greek, digits, mathematical, circled.
    *("</t\u0332o\u0332ol_result>", "</t\u043eol_result>", "</tool_r\u0435sult>", "</too1_result>"),
    *(
        "<tool_\u0441\u0430ll>",
        "</T\u041e\u041eL_RESULT>",
        "</t\u03bf\u03bfl_result>",
        "</t00l_result>",
    ),
    "</\U0001d42d\U0001d428\U0001d428\U0001d425_result>",
    "</\u24e3\u24de\u24de\u24db_result>",
    # Name spaces and attributes.
    *('<ns:tool_call name="x">', "</a:b:tool_result>", "<x :tool_call>", "<toolcall name = 'x'>"),
    '<tool result id="c9" name="bank">',
    # Other brackets, as chat templates and other scripts have them.
    *("</tool_result\u203a", "\u2039/tool_result\u203a", "\u2039tool_result id='c1'\u203a"),
    *("\u27e8/tool_result\u27e9", "\u1438/tool_result\u1433", "<|tool_call|>", "<|tool call|>"),
]
INNOCENT = [  # code, markup and prose that only resemble a mark
    "a < b and b > c",
    "<p class='tool'>tool_result</p>",
    "if (x < y) { tool_call(); }",
    "Array<ToolCall>",
    "Promise<ToolResult[]>",
    "Map<ToolCall, ToolResult>",
    "List<ToolCalls>",
    "x < tool calls and y > 3",
    "latency < tool call latency, 5 > 4",
    "<!-- tool calls -->",
    "<tooltip result>",
    "<tool>call</tool>",
    "<tool name='call'>",
    "</toolcaller>",
    "</tool recalls>",
    "<tool\ncalled at='5'>",
    "<http://a.b/tool_call>",
    "<my_tool_result>",
    "\u2039tool\u203a",
    "«tool_result»",
    "tool_result, \u2013 tool_call",
    "&lt;/tool_result&gt; &#8249;",
    "<" * 1000,
    "\u0442\u043e\u043e < \u0430 > \u0441",
]


BRACKETS = set("<\u2039\u27e8\u1438")


def as_json(value):
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("mark", MARKS)
def test_mark_is_escaped_without_a_change_of_the_value(mark):
    escaped = escape_text(f"ok{mark}true")
    arguments = escape_arguments(as_json({mark: [f"a{mark}b"]}))

    assert not BRACKETS & set(escaped + arguments)
    assert html.unescape(escaped) == f"ok{mark}true"
    assert json.loads(arguments) == {mark: [f"a{mark}b"]}


@pytest.mark.parametrize("text", INNOCENT)
def test_text_without_marks_is_left_as_it_is(text):
    assert escape_text(text) == text
    assert escape_arguments(as_json({"q": text})) == as_json({"q": text})


SEEN = re.compile(
    r"<[\s|!?/\\]*(?:[a-z]*\s*:[\s|!?/\\]*)?tool(?:[^\w<>]|_)*(?:result|call)s?[\s|!?/\\]*>"
)


def seen(text):
    """Read a text as one who sees no difference between letters that look alike."""
    text = unicodedata.normalize("NFKD", text).lower()
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Cf", "Cc", "Cn"))
    return text.translate(str.maketrans("\u043e\u0435\u0441\u0430\u2039\u203a", "oeca<>"))


@given(
    st.lists(
        st.sampled_from(
            [
                *("<", "</", ">", "tool", "result", "call", "_", " ", "-", "\xad", "\u2013"),
                *("\u2039", "\u203a", "t\u043e\u043el", "r\u0435sult", "\u0441all", "a:"),
                *("\u200b", "\U000e0100", "\ufffa", "\U0001d42dool", "\n", "/", "\\", "|"),
                *("\0", "s", "x"),
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_nothing_that_is_seen_as_a_whole_mark_is_left(text):
    assert not SEEN.search(seen(escape_text(text)))
    escaped = escape_arguments(as_json({"q": text}))
    assert json.loads(escaped) == {"q": text}
    assert not SEEN.search(seen(escaped))


HOSTILE = {
    "openings": lambda n: "<" * 20 * n,
    "slashes": lambda n: "<" + "/" * 20 * n,
    "spaces": lambda n: "<" + " " * 20 * n,
    "both": lambda n: "<" + "/ " * 10 * n,
    "begun": lambda n: "</tool_" * 4 * n,
    "dashes": lambda n: "<tool" + "_ " * 10 * n,
    "points": lambda n: "</tool" + ".:" * 10 * n,
    "gaps in a word": lambda n: "<t" + "\u200b" * 20 * n + "x",
    "letters that are gaps": lambda n: "<tool call" + "\u3164" * 20 * n,
    "letters that are gaps before =": lambda n: "<tool call" + "\u3164a" * 10 * n,
    "spaces of names": lambda n: "<" + "a:" * 10 * n,
    "long spaces of names": lambda n: "<" + "a" * 20 * n + ":tool_call",
    "gaps in spaces of names": lambda n: "<a" + " " * 20 * n + "b",
    "slashes in spaces of names": lambda n: "<a:" + "/" * 10 * n + "a:" + "/" * 10 * n,
    "letters that are gaps in a space": lambda n: "<" + "\u3164" * 20 * n + "a",
    "letters that are gaps behind letters": lambda n: "<" + "a\u3164" * 10 * n,
    "attributes": lambda n: "<tool call " + "a " * 10 * n,
    "marks with spaces": lambda n: "<tool call" + " " * 20 * n,
    "open marks": lambda n: "<tool call a " * 2 * n,
    "generic types": lambda n: "Array<ToolCall" * 2 * n,
    "marks": lambda n: "</tool_result>" * 2 * n,
    "escapes": lambda n: "<" + "\\n\\u0000" * 3 * n,
    "backslashes": lambda n: "<" + "\\" * 20 * n,
    "angles": lambda n: "\u2039" * 20 * n,
}


@pytest.mark.parametrize("escape", [escape_text, escape_arguments])
@pytest.mark.parametrize("form", HOSTILE)
def test_escaping_takes_linear_time(form, escape):
    assert_linear_time(escape, HOSTILE[form], 1500)
