"""The vectors of the embedding models: what is near what, and that it never changes."""

import math

import pytest

from langchain_segmind.testing.embeddings import embed

SIZES = [(1536, 1536), (3072, 3072), (3072, 768), (768, 256)]
ODD = ["x", "the", "?!…", "\ud800", "日本語のテキスト", "a" * 10_000, "\n", "😀"]
DOCUMENTS = [
    "The Eiffel Tower stands in Paris and is 330 metres tall.",
    "Photosynthesis turns sunlight into sugar inside the leaves of plants.",
    "The company refunds a purchase within thirty days when a receipt is shown.",
    "Mount Everest is the highest mountain above the level of the sea.",
    "Python lists grow by appending; tuples never change.",
    "Bees make honey from the nectar of flowers.",
    "The museum opens at nine in the morning and is closed on Mondays.",
    "Interest rates were raised by the central bank to fight inflation.",
]
# "The cats": few places, and a word that says nothing weighs a tenth.
LITTLE, MUCH = 0.040622, 0.406222
EXPECTED = {
    19: LITTLE,
    40: -MUCH,
    79: LITTLE,
    93: -MUCH,
    230: -LITTLE,
    255: MUCH,
    265: -MUCH,
    306: LITTLE,
    423: -MUCH,
    539: -LITTLE,
    650: -LITTLE,
    655: MUCH,
}
QUESTIONS = [
    "how tall is the eiffel tower?",
    "What do plants do with SUNLIGHT?",
    "Do I get a refund for my purchases?",
    "which is the highest of the mountains",
    "Does a tuple change?",
    "What does a bee make out of flowers?",
    "When does the museum open?",
    "Why did the central banks raise the interest rate?",
]


def nearness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("size", "kept"), SIZES)
@pytest.mark.parametrize("text", [*ODD, *DOCUMENTS])
def test_vector_has_unit_length(text: str, size: int, kept: int) -> None:
    vector = embed(text, size, kept)
    assert len(vector) == kept
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-4)
    assert all(isinstance(number, float) for number in vector)


def test_vector_never_changes() -> None:
    vector = embed("The cats", 768)
    found = {place: number for place, number in enumerate(vector) if number}
    assert found == EXPECTED


@pytest.mark.parametrize(("size", "kept"), SIZES)
def test_question_is_nearest_to_the_text_that_answers_it(size: int, kept: int) -> None:
    documents = [embed(text, size, kept) for text in DOCUMENTS]
    for number, question in enumerate(QUESTIONS):
        asked = embed(question, size, kept)
        near = [nearness(asked, document) for document in documents]
        assert near.index(max(near)) == number, question


def test_case_and_endings_count_for_little() -> None:
    one, other = embed("Cats chase MICE", 1536), embed("cat chased mice", 1536)
    assert nearness(one, other) == pytest.approx(1, abs=1e-4)


def test_stop_words_count_for_little() -> None:
    one = embed("What is the price of it?", 1536)
    assert nearness(one, embed("What is the name of it?", 1536)) < 0.2
    assert nearness(one, embed("price", 1536)) > 0.9


def test_smaller_vector_is_the_beginning_of_the_larger() -> None:
    whole, beginning = embed(DOCUMENTS[0], 3072), embed(DOCUMENTS[0], 3072, 768)
    scale = math.hypot(*whole[:768])
    assert beginning == pytest.approx([number / scale for number in whole[:768]], abs=1e-5)
    assert scale < 0.95
