"""Chains: a prompt, a model and a parser, alone, side by side, many at once, and with a way out.

Runs on the live gateway when SEGMIND_API_KEY is set, else on a local one that needs no key.
"""

from __future__ import annotations

from operator import itemgetter

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableParallel, RunnablePassthrough

from langchain_segmind import ChatSegmind, SegmindError
from langchain_segmind.testing import live_or_local

REPLIES = {  # by what is asked: without a key these are played
    "Good morning": "Guten Morgen",
    "Summarize: Bees": "Bees navigate by the sun and dance to tell of flowers.",
    "a haiku about bees": "Bees at first light / a slow gold hum in clover / the day is honey",
    "capital of France": "Paris",
    "capital of Germany": "Berlin",
    "capital of Italy": "Rome",
    "capital of Spain": "Madrid",
    "capital of Japan": "Tokyo",
    "French: Bees navigate": "Les abeilles suivent le soleil et dansent pour parler des fleurs.",
    "What is LangChain?": "LangChain is a framework for applications with language models.",
}
TEXT = "Bees find their way by the sun. They tell each other of flowers by dancing. Some are lazy."


def main() -> None:
    with ChatSegmind(model="gpt-4o", max_tokens=200) as model:
        one(model)
        side_by_side(model)
        many(model)
        in_sequence(model)
        with_a_way_out(model)


def one(model: ChatSegmind) -> None:
    print("\nA prompt, a model, a parser:")
    prompt = ChatPromptTemplate.from_template("Translate to {language}: {text}")
    chain = prompt | model | StrOutputParser()
    print(" ", chain.invoke({"language": "German", "text": "Good morning"}))


def side_by_side(model: ChatSegmind) -> None:
    print("\nTwo chains side by side, on one input and on two models:")
    summary = ChatPromptTemplate.from_template("Summarize: {text}") | model
    poem = ChatPromptTemplate.from_template("Write a haiku about {topic}") | model.bind(
        model="claude-4.5-sonnet"  # any setting may be bound, the model too
    )
    both = RunnableParallel(summary=summary, poem=poem).invoke({"text": TEXT, "topic": "bees"})
    for name, message in both.items():
        print(f"  {name} by {message.response_metadata['model_name']}: {message.text!r}")


def many(model: ChatSegmind) -> None:
    print("\nMany inputs, three at once, as they come:")
    prompt = ChatPromptTemplate.from_template("What is the capital of {country}?")
    chain = prompt | model | StrOutputParser()
    countries = [{"country": name} for name in ("France", "Germany", "Italy", "Spain", "Japan")]
    answers = dict(chain.batch_as_completed(countries, config={"max_concurrency": 3}))
    for place in sorted(answers):
        print(f"  {countries[place]['country']}: {answers[place]}")


def in_sequence(model: ChatSegmind) -> None:
    print("\nOne chain's answer as the next one's question:")
    summarize = ChatPromptTemplate.from_template("Summarize: {text}") | model | StrOutputParser()
    translate = ChatPromptTemplate.from_template("Translate to {language}: {summary}") | model
    chain = RunnablePassthrough.assign(summary=summarize).assign(translation=translate)
    answer = chain.invoke({"text": TEXT, "language": "French"})
    print(f"  {answer['summary']!r}\n  {itemgetter('translation')(answer).text!r}")


def with_a_way_out(model: ChatSegmind) -> None:
    print("\nAnother model for when the first one fails:")
    retired = ChatSegmind(model="a-model-of-last-year")
    chain = retired.with_fallbacks([model], exceptions_to_handle=(SegmindError,))
    message = chain.invoke("What is LangChain?")
    print(f"  {message.response_metadata['model_name']}: {message.text}")


if __name__ == "__main__":
    with live_or_local(REPLIES):
        main()
