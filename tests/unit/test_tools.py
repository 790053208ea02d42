"""Calls and results of the past, told as text."""

from langchain_segmind._prompt import Call, Media, Prompt, Result, Text, Turn
from langchain_segmind._tools import speak


def test_a_prompt_without_tools_is_returned_as_it_is():
    prompt = Prompt((Turn("user", (Text("hi"),)),))

    assert speak(prompt) is prompt


def test_tells_which_result_belongs_to_which_call():
    prompt = Prompt(
        (
            Turn("assistant", (Text("Wait."), Call("add", {"a": 1, "b": "ü"}, "c1"))),
            Turn("user", (Result((Text("3"),), "c1", "add"),)),
            Turn("user", (Result((Text("no such id"),), "c2", None, is_error=True),)),
        )
    )

    told = [
        "".join(p.text for p in turn.parts if isinstance(p, Text)) for turn in speak(prompt).turns
    ]

    assert told == [
        'Wait.<tool_call id="c1" name="add">{"a": 1, "b": "ü"}</tool_call>',
        '<tool_result id="c1" name="add">3</tool_result>',
        '<tool_result id="c2" status="error">no such id</tool_result>',
    ]


def test_a_name_cannot_break_out_of_its_mark():
    told = speak(Prompt((Turn("assistant", (Call('"><x', "{", None),)),)))

    assert told.turns[0].parts == (Text('<tool_call name="&quot;&gt;&lt;x">{</tool_call>'),)


def test_an_image_in_a_result_stays_an_image():
    image = Media("image", "message 0", data="AAAA", mime="image/png")

    told = speak(Prompt((Turn("user", (Result((Text("see"), image), "c1"),)),)))

    assert told.turns[0].parts == (
        Text('<tool_result id="c1">'),
        Text("see"),
        image,
        Text("</tool_result>"),
    )
