"""Quickstart: a chain, a conversation, streaming, batches, structured output, RAG and images.

Calls the live gateway if SEGMIND_API_KEY is set, and a local gateway otherwise. SEGMIND_MODEL
replaces gpt-4o, and CALLS sets the size of the batch. The RAG part needs numpy: pip install numpy
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
from importlib.util import find_spec

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import BaseModel

from langchain_segmind import (
    ChatSegmind,
    SegmindEmbeddings,
    content_block_from_file,
    track_usage,
)
from langchain_segmind.testing import live_or_local

MODEL = os.environ.get("SEGMIND_MODEL", "gpt-4o")
CALLS = int(os.environ.get("CALLS", "50"))
REPLIES = {  # the local gateway's replies, by a text in the prompt; it echoes other prompts
    "Good morning": "Guten Morgen",
    "I live in Berlin": "Nice to meet you, Ada.",
    "What is my name, and where do I live?": "Your name is Ada, and you live in Berlin.",
    "What is my name?": "Your name is Ada.",
    "Where do I live?": "You live in Berlin.",
    "a joke": "Why do programmers prefer dark mode? Because light attracts bugs.",
    "Ada Lovelace was born": '{"name": "Ada Lovelace", "year_of_birth": 1815}',
    "How many days of vacation": "You have 30 days of vacation a year.",
    "submit my expenses": "By the fifth day of the next month.",
    "When is the office open": "From 7 a.m. to 8 p.m.",
    "What does lunch cost": "I could not find that in the documents.",
    "Thank you!": "You are welcome!",
}


def main() -> None:
    with live_or_local(REPLIES, latency=0.05), ChatSegmind(model=MODEL) as model:
        chain(model)
        conversation(model)
        stream(model)
        asyncio.run(batch(model))
        structured(model)
        rag(model)
        three_families(model)
        cost(model)


def chain(model: ChatSegmind) -> None:
    title("prompt | model | parser")
    prompt = ChatPromptTemplate.from_template("Translate to {language}: {text}")
    translate = prompt | model | StrOutputParser()
    print(translate.invoke({"language": "German", "text": "Good morning"}))


def conversation(model: ChatSegmind) -> None:
    title("A conversation with history")
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{text}")])
    conversation, history = prompt | model, list[BaseMessage]()
    for text in ("My name is Ada and I live in Berlin.", "What is my name?", "Where do I live?"):
        answer = conversation.invoke({"history": history, "text": text})
        history += [HumanMessage(text), AIMessage(answer.text)]
        print(f"  you: {text}\nmodel: {answer.text}")


def stream(model: ChatSegmind) -> None:
    title("stream(): one chunk, because the gateway does not stream tokens")
    for chunk in model.stream("Tell me a joke."):
        print(chunk.text, end="|\n", flush=True)


async def batch(model: ChatSegmind) -> None:
    title(f"abatch(): {CALLS} questions at once")
    began = time.perf_counter()
    answers = await model.abatch([f"What is {n} + {n}?" for n in range(CALLS)])
    seconds = time.perf_counter() - began
    print(f"{len(answers)} answers in {seconds:.2f} s; the last one: {answers[-1].text}")
    await model.aclose()


class Person(BaseModel):
    """A person in a text."""

    name: str
    year_of_birth: int


def structured(model: ChatSegmind) -> None:
    title("with_structured_output(Person)")
    person = model.with_structured_output(Person).invoke("Ada Lovelace was born in 1815.")
    print(repr(person))


def rag(model: ChatSegmind) -> None:
    title("RAG with five documents")
    if find_spec("numpy") is None:
        print("Skipped: LangChain's InMemoryVectorStore needs numpy (pip install numpy).")
        return
    embeddings = SegmindEmbeddings(model="text-embedding-3-small")
    store = InMemoryVectorStore(embeddings)
    store.add_documents([Document(text) for text in HANDBOOK])
    prompt = ChatPromptTemplate.from_template(
        "Answer from the context only; if it is not there, say so.\n\n"
        "Context:\n{context}\n\nQuestion: {question}"
    )
    retriever = store.as_retriever(search_kwargs={"k": 2})
    answer = (
        {"context": retriever | as_text, "question": RunnablePassthrough()}
        | prompt
        | model
        | StrOutputParser()
    )
    for question in (
        "How many days of vacation do I have?",
        "When do I have to submit my expenses?",
        "When is the office open?",
        "What does lunch cost?",
    ):
        print(f"Q: {question}\nA: {answer.invoke(question)}")
    embeddings.close()


def as_text(documents: list[Document]) -> str:
    return "\n".join(document.page_content for document in documents)


HANDBOOK = (
    "Employees have 30 days of vacation a year. Requests go to the team lead.",
    "Expenses are submitted by the fifth day of the next month, with all receipts.",
    "The office is open from 7 a.m. to 8 p.m. on working days.",
    "Laptops are replaced every three years. Old ones can be bought.",
    "New colleagues have a mentor for their first three months.",
)


def three_families(model: ChatSegmind) -> None:
    title("One conversation with three model families")
    history: list[BaseMessage] = [
        SystemMessage("Be brief."),
        HumanMessage("My name is Ada and I live in Berlin."),
    ]
    picture = HumanMessage([{"type": "text", "text": "What is in this picture?"}, RED_PIXEL])
    question = HumanMessage("What is my name, and where do I live?")
    turns = {"gpt-4o": picture, "claude-4.5-sonnet": question, "gemini-2.5-flash": None}
    for slug, next_message in turns.items():
        answer = model.invoke(history, model=slug)
        print(f"{slug:>17}: {answer.text}")
        history += [answer, next_message] if next_message else [answer]


RED_PIXEL = content_block_from_file(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
        "gg=="
    )
)


def cost(model: ChatSegmind) -> None:
    title("Token usage and cost")
    with track_usage() as usage:
        message = model.invoke("Thank you!")
    print(f"{message.text}\n{message.usage_metadata}\n{usage}")
    print(f"${model.get_credits().total:.4f} left")


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if os.isatty(1) else f"\n{text}\n{'-' * len(text)}")


if __name__ == "__main__":
    main()
