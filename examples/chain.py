"""Chains: a prompt, a model and a parser; parallel and sequential chains, batches, fallbacks.

Calls the live gateway if SEGMIND_API_KEY is set, and a local gateway otherwise.
"""

from __future__ import annotations

from operator import itemgetter

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableParallel, RunnablePassthrough

from langchain_segmind import ChatSegmind, SegmindError
from langchain_segmind.testing import live_or_local

REPLIES = {  # the local gateway's replies, by a text in the prompt
    "Good morning": "Guten Morgen",
    "Summarize: The": "The meeting is on Thursday at 10. Read the draft before.",
    "subject line": "Meeting moved to Thursday at 10",
    "capital of France": "Paris",
    "capital of Germany": "Berlin",
    "capital of Italy": "Rome",
    "capital of Spain": "Madrid",
    "capital of Japan": "Tokyo",
    "French: The meeting": "La réunion a lieu jeudi à 10 heures. Lisez le projet avant.",
    "What is LangChain?": "LangChain is a framework for applications with language models.",
}
TEXT = (
    "The meeting moves to Thursday at 10. Anna presents the budget and Ben the figures for March. "
    "Please read the draft before the meeting."
)


def main() -> None:
    with ChatSegmind(model="gpt-4o", max_tokens=200) as model:
        one_chain(model)
        parallel_chains(model)
        batch_of_inputs(model)
        sequential_chains(model)
        fallback_model(model)


def one_chain(model: ChatSegmind) -> None:
    print("\nA prompt, a model, a parser:")
    prompt = ChatPromptTemplate.from_template("Translate to {language}: {text}")
    chain = prompt | model | StrOutputParser()
    print(" ", chain.invoke({"language": "German", "text": "Good morning"}))


def parallel_chains(model: ChatSegmind) -> None:
    print("\nTwo chains in parallel, with one input and two models:")
    summary = ChatPromptTemplate.from_template("Summarize: {text}") | model
    subject = ChatPromptTemplate.from_template("Write a subject line for: {text}") | model.bind(
        model="claude-4.5-sonnet"  # any setting can be bound, even the model
    )
    both = RunnableParallel(summary=summary, subject=subject).invoke({"text": TEXT})
    for name, message in both.items():
        print(f"  {name} by {message.response_metadata['model_name']}: {message.text!r}")


def batch_of_inputs(model: ChatSegmind) -> None:
    print("\nA batch of inputs, three at once:")
    prompt = ChatPromptTemplate.from_template("What is the capital of {country}?")
    chain = prompt | model | StrOutputParser()
    countries = [{"country": name} for name in ("France", "Germany", "Italy", "Spain", "Japan")]
    answers = dict(chain.batch_as_completed(countries, config={"max_concurrency": 3}))
    for place in sorted(answers):
        print(f"  {countries[place]['country']}: {answers[place]}")


def sequential_chains(model: ChatSegmind) -> None:
    print("\nThe output of one chain as the input of the next:")
    summarize = ChatPromptTemplate.from_template("Summarize: {text}") | model | StrOutputParser()
    translate = ChatPromptTemplate.from_template("Translate to {language}: {summary}") | model
    chain = RunnablePassthrough.assign(summary=summarize).assign(translation=translate)
    answer = chain.invoke({"text": TEXT, "language": "French"})
    print(f"  {answer['summary']!r}\n  {itemgetter('translation')(answer).text!r}")


def fallback_model(model: ChatSegmind) -> None:
    print("\nA fallback if the first model fails:")
    retired = ChatSegmind(model="retired-model")
    chain = retired.with_fallbacks([model], exceptions_to_handle=(SegmindError,))
    message = chain.invoke("What is LangChain?")
    print(f"  {message.response_metadata['model_name']}: {message.text}")


if __name__ == "__main__":
    with live_or_local(REPLIES):
        main()
