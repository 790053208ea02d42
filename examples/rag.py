"""RAG over a folder of documents: split, embed, store in Chroma, retrieve, answer with sources.

First as a chain with chat history, then as an agent with a retriever tool.

Calls the live gateway if SEGMIND_API_KEY is set, and a local gateway otherwise. SEGMIND_MODEL
replaces gpt-4o, and CALLS sets the number of questions in the first part.
Install: pip install 'langchain-segmind[rag]'
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chromadb.config import Settings
from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware
from langchain_chroma import Chroma
from langchain_classic.chains import create_history_aware_retriever, create_retrieval_chain
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from langchain_core.tools import create_retriever_tool
from langchain_text_splitters import RecursiveCharacterTextSplitter

from langchain_segmind import ChatSegmind, SegmindEmbeddings, UsageTracker, track_usage
from langchain_segmind.testing import Call, live_or_local

DOCUMENTS = Path(__file__).parent / "documents"
QUESTIONS = (
    "How tall was the lighthouse on the island of Pharos?",
    "How much honey does a colony eat until spring?",
    "What is a neap tide?",
    "What does a ticket to the Louvre cost?",
)
FOLLOW_UPS = (
    "Who worked out the meaning of the waggle dance?",
    "Where was he born?",
)
FOR_THE_AGENT = "Where are the highest tides of the world?"

REPLIES = {  # the local gateway's replies, by a text in the prompt; retrieval is not scripted
    "Given the conversation": "Where was Karl von Frisch born?",
    "Pharos": "It was about 100 meters tall [lighthouses.txt].",
    "How much honey": "A colony eats 15 to 20 kilograms of honey until spring [bees.txt].",
    "a neap tide": "A tide when sun and moon pull at right angles [tides.txt].",
    "ticket to the Louvre": "This is not found in the documents.",
    "the waggle dance?": "Karl von Frisch worked it out [bees.txt].",
    "Where was he born?": "He was born in Vienna in 1886 [bees.txt].",
    FOR_THE_AGENT: [
        Call("search_documents", {"query": "highest tides of the world"}),
        "In the Bay of Fundy in Canada, with 16 meters of difference [tides.txt].",
    ],
}

CITED = PromptTemplate.from_template("Source: {source}\n{page_content}")
ANSWER = """\
Answer the question from the context only, in one or two sentences, and cite the source of each in \
square brackets, as in [name.txt]. If the answer is not in the context, say "This is not found in \
the documents."

Context:
{context}"""
STAND_ALONE = """\
Given the conversation and the user's last question, write a standalone question that can be \
understood without the conversation. Do not answer it; if it stands alone already, return it as \
it is."""


def main() -> None:
    with (
        live_or_local(REPLIES, latency=0.02),
        TemporaryDirectory(
            ignore_cleanup_errors=True
        ) as folder,  # use a permanent folder in your own program
        track_usage() as usage,
    ):
        model = ChatSegmind(model=os.environ.get("SEGMIND_MODEL", "gpt-4o"))
        embeddings = SegmindEmbeddings(model="text-embedding-3-small")
        with model, embeddings:
            build(folder, embeddings, usage)
            retriever = reopen(folder, embeddings)
            chain = chain_of(model, retriever)
            ask(chain, QUESTIONS[: int(os.environ.get("CALLS", "4"))])
            converse(chain)
            asyncio.run(watch_an_agent(model, retriever))
            report(usage)


def build(folder: str, embeddings: SegmindEmbeddings, usage: UsageTracker) -> None:
    title("Load, split, embed and store the documents")
    files = sorted(DOCUMENTS.glob("*.txt"))
    documents = [Document(file.read_text(), metadata={"source": file.name}) for file in files]
    splitter = RecursiveCharacterTextSplitter(chunk_size=600, chunk_overlap=0)
    chunks = splitter.split_documents(documents)
    database(folder, embeddings).add_documents(chunks)
    print(f"{len(documents)} documents in {len(chunks)} chunks, embedded for ${usage.cost:.6f}")


def reopen(folder: str, embeddings: SegmindEmbeddings) -> BaseRetriever:
    """Open the stored database, as a new process would, without embedding anything again."""
    store = database(folder, embeddings)
    print(f"Opened again: {len(store.get()['ids'])} chunks in the database")
    return store.as_retriever(search_kwargs={"k": 4})


def database(folder: str, embeddings: SegmindEmbeddings) -> Chroma:
    quiet = Settings(anonymized_telemetry=False)
    return Chroma("documents", embeddings, persist_directory=folder, client_settings=quiet)


def chain_of(model: ChatSegmind, retriever: BaseRetriever) -> Runnable[dict[str, Any], Any]:
    """Build a chain that understands follow-up questions and answers from the retrieved chunks."""
    history = MessagesPlaceholder("chat_history", optional=True)
    alone = ChatPromptTemplate.from_messages(
        [("system", STAND_ALONE), history, ("human", "{input}")]
    )
    answer = ChatPromptTemplate.from_messages([("system", ANSWER), history, ("human", "{input}")])
    chain: Runnable[dict[str, Any], Any] = create_retrieval_chain(
        create_history_aware_retriever(model, retriever, alone),
        create_stuff_documents_chain(model, answer, document_prompt=CITED),
    )
    return chain


def ask(chain: Runnable[dict[str, Any], Any], questions: tuple[str, ...]) -> None:
    title("Questions")
    for question in questions:
        print(f"Q: {question}\nA: {chain.invoke({'input': question})['answer']}")


def converse(chain: Runnable[dict[str, Any], Any]) -> None:
    title("Follow-up questions")
    history = list[BaseMessage]()
    for question in FOLLOW_UPS:
        answer = chain.invoke({"input": question, "chat_history": history})["answer"]
        print(f"Q: {question}\nA: {answer}")
        history += [HumanMessage(question), AIMessage(answer)]


async def watch_an_agent(model: ChatSegmind, retriever: BaseRetriever) -> None:
    title("The same with an agent, step by step")
    search = create_retriever_tool(
        retriever,
        "search_documents",
        "Search documents on bees, bread, lighthouses and tides.",
        document_prompt=CITED,
    )
    order = "Answer from the documents you find only, and cite their names in square brackets."
    limit = ModelCallLimitMiddleware(run_limit=4, exit_behavior="end")  # weak models may never stop
    agent = create_agent(model, [search], system_prompt=order, middleware=[limit])
    print(f"    Q: {FOR_THE_AGENT}")
    question = HumanMessage(FOR_THE_AGENT)
    async for update in agent.astream({"messages": [question]}, stream_mode="updates"):
        for node, state in update.items():
            for message in (state or {}).get("messages", ()):
                print(f"{node:>5}: {summary(message)}")
    await model.aclose()


def summary(message: BaseMessage) -> str:
    match message:
        case AIMessage(tool_calls=[call, *_]):
            return f"calls {call['name']}({call['args']})"
        case ToolMessage():
            sources = re.findall(r"^Source: (.+)$", message.text, re.MULTILINE)
            return f"returns {len(sources)} passages, from {', '.join(dict.fromkeys(sources))}"
    return message.text


def report(usage: UsageTracker) -> None:
    title("Cost")
    for slug, totals in usage.by_model.items():
        print(f"{slug:>22}: {totals}")
    print(f"${usage.credit_balance:.4f} left")


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if os.isatty(1) else f"\n{text}\n{'-' * len(text)}")


if __name__ == "__main__":
    main()
