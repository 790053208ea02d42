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

from langchain_segmind import ChatSegmind, SegmindEmbeddings, content_block_from_file
from langchain_segmind.testing import live_or_local

MODEL = os.environ.get("SEGMIND_MODEL", "gpt-4o")
CALLS = int(os.environ.get("CALLS", "50"))
REPLIES = {  # the local gateway's replies, by a text in the prompt; it echoes other prompts
    "Good morning": "Guten Morgen",
    "I keep bees": "Nice to meet you, Ada.",
    "What is my name, and what do I keep?": "Your name is Ada, and you keep bees.",
    "What is my name?": "Your name is Ada.",
    "What do I keep?": "You keep bees.",
    "a joke about bees": "What do bees and good code have in common? Nobody notices them.",
    "Ada Lovelace was born": '{"name": "Ada Lovelace", "year_of_birth": 1815}',
    "Lighthouse of Alexandria?": "It was about 100 meters tall.",
    "Who invented the lens": "Augustin Fresnel.",
    "the last keeper leave": "In 1988.",
    "a cheese sandwich": "I could not find that in the documents.",
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
    for text in ("My name is Ada and I keep bees.", "What is my name?", "What do I keep?"):
        answer = conversation.invoke({"history": history, "text": text})
        history += [HumanMessage(text), AIMessage(answer.text)]
        print(f"  you: {text}\nmodel: {answer.text}")


def stream(model: ChatSegmind) -> None:
    title("stream(): one chunk, because the gateway does not stream tokens")
    for chunk in model.stream("Tell me a joke about bees."):
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
    store.add_documents([Document(text) for text in LIGHTHOUSES])
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
        "How tall was the Lighthouse of Alexandria?",
        "Who invented the lens that made lights visible from afar?",
        "When did the last keeper leave the Bell Rock?",
        "What does a cheese sandwich cost?",
    ):
        print(f"Q: {question}\nA: {answer.invoke(question)}")
    embeddings.close()


def as_text(documents: list[Document]) -> str:
    return "\n".join(document.page_content for document in documents)


LIGHTHOUSES = (
    "The Lighthouse of Alexandria stood on the island of Pharos. It was about 100 meters tall.",
    "Augustin Fresnel invented a lens of glass rings that made their lights visible from afar.",
    "The Bell Rock Lighthouse was built by Robert Stevenson. Its last keeper left in 1988.",
    "Bees find their way by the sun and dance to show each other where flowers are.",
    "Bread rises because yeast turns sugar into gas.",
)


def three_families(model: ChatSegmind) -> None:
    title("One conversation with three model families")
    history: list[BaseMessage] = [
        SystemMessage("Be brief."),
        HumanMessage("My name is Ada and I keep bees."),
    ]
    picture = HumanMessage([{"type": "text", "text": "What is in this picture?"}, RED_PIXEL])
    question = HumanMessage("What is my name, and what do I keep?")
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
    message = model.invoke("Thank you!")
    metadata = message.response_metadata
    print(f"{message.text}\ntokens: {message.usage_metadata}")
    print(f"cost: {metadata.get('cost')} USD; {metadata.get('remaining_credits')} USD left")


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if os.isatty(1) else f"\n{text}\n{'-' * len(text)}")


if __name__ == "__main__":
    main()
