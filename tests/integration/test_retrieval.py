"""Embeddings in LangChain's stores and caches, and the retrievers that call a chat model."""

import pytest
from chromadb.config import Settings
from langchain_chroma import Chroma
from langchain_classic.chains import create_history_aware_retriever, create_retrieval_chain
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_classic.embeddings import CacheBackedEmbeddings
from langchain_classic.retrievers import ContextualCompressionRetriever, MultiQueryRetriever
from langchain_classic.retrievers.document_compressors import LLMChainExtractor, LLMChainFilter
from langchain_classic.storage import LocalFileStore
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.vectorstores import InMemoryVectorStore

from langchain_segmind.testing import LocalGateway, ScriptedModel
from tests.integration.call_styles import build, build_embeddings
from tests.integration.samples import SLUGS

TEXTS = [
    "Bees find their way by the sun. They swarm in May and June. Honey is harvested in July.",
    "Karl von Frisch explained the dance of the bees. He was born in Vienna.",
    "The Eiffel Tower is 330 metres tall. It was completed in 1889.",
    "Bread rises because yeast turns sugar into gas. Rye bread is denser.",
]
SWARM, TOWER = "When do bees swarm?", "How tall is the Eiffel Tower?"


# The longest part that is in the prompt counts; the retrievers ask for NO_OUTPUT and NO.
IN = "\n> Context:\n>>>\n"
SCRIPT = {
    "different versions": f"{SWARM}\nWhich month do swarms leave?\nWhen does a hive divide?",
    "return NO_OUTPUT": "NO_OUTPUT",
    SWARM + IN + TEXTS[0]: "Bees find their way by the sun. They swarm in May and June.",
    "NO if it isn't": "NO",
    TOWER + IN + TEXTS[2]: "YES",
    "Write a standalone question.": "Where was Karl von Frisch born?",
    "Who explained the dance of the bees?": "Karl von Frisch explained it.",
    "Where was he born?": "In Vienna.",
}


@pytest.fixture
def gateway():
    with LocalGateway(responder=ScriptedModel(SCRIPT)) as gateway:
        yield gateway


@pytest.fixture(params=["text-embedding-3-small", "gemini-embedding-001"])
async def embeddings(request, gateway):
    async with build_embeddings(gateway, request.param) as embeddings:
        yield embeddings


@pytest.fixture(params=SLUGS)
async def model(request, gateway):
    async with build(gateway, request.param) as model:
        yield model


@pytest.fixture
def retriever(gateway):
    with build_embeddings(gateway) as embeddings:
        store = InMemoryVectorStore.from_texts(TEXTS, embeddings)
        gateway.clear()
        yield store.as_retriever(search_kwargs={"k": 3})


def runs(gateway, slug):
    return [request for request in gateway.requests if request.slug == slug and request.executed]


# --- stores and caches -------------------------------------------------------------------------


async def test_cache_embeds_no_text_twice(call, gateway, embeddings, tmp_path):
    cached = CacheBackedEmbeddings.from_bytes_store(
        embeddings, LocalFileStore(tmp_path), namespace=embeddings.model, key_encoder="blake2b"
    )
    first = await call(cached, "embed_documents", TEXTS)
    again = await call(cached, "embed_documents", [*TEXTS, "Something new."])

    assert again[:4] == first == await call(embeddings, "embed_documents", TEXTS)
    assert gateway.executions == 4 + 1 + 4


async def test_database_in_a_folder_is_reopened_without_embedding(
    call, gateway, embeddings, tmp_path
):
    def database():
        quiet = Settings(anonymized_telemetry=False)
        return Chroma("texts", embeddings, persist_directory=str(tmp_path), client_settings=quiet)

    await call(database(), "add_texts", TEXTS)
    assert gateway.executions == len(TEXTS)

    (found,) = await call(database(), "similarity_search", TOWER, k=1)
    assert found.page_content == TEXTS[2]
    assert gateway.executions == len(TEXTS) + 1
    assert any(tmp_path.iterdir())


# --- retrievers that call a model--------------------------------------------------------------


async def test_multi_query_retriever_searches_for_each_version_of_a_question(
    call, gateway, model, retriever
):
    several = MultiQueryRetriever.from_llm(retriever, model)

    found = await call(several, "invoke", SWARM)

    assert found[0].page_content == TEXTS[0]
    assert len({document.page_content for document in found}) == len(found) >= 3
    assert len(runs(gateway, model.model)) == 1
    queries = [request.body["prompt"] for request in runs(gateway, "text-embedding-3-small")]
    assert len(set(queries)) == len(queries) == 3
    assert SWARM in queries


async def test_extractor_returns_the_sentences_that_answer(call, gateway, model, retriever):
    compressed = ContextualCompressionRetriever(
        base_compressor=LLMChainExtractor.from_llm(model), base_retriever=retriever
    )

    (found,) = await call(compressed, "invoke", SWARM)

    assert found.page_content == "Bees find their way by the sun. They swarm in May and June."
    assert len(runs(gateway, model.model)) == 3


async def test_filter_drops_the_documents_that_do_not_answer(call, model, retriever):
    filtered = ContextualCompressionRetriever(
        base_compressor=LLMChainFilter.from_llm(model), base_retriever=retriever
    )

    (found,) = await call(filtered, "invoke", TOWER)
    assert found.page_content == TEXTS[2]
    assert await call(filtered, "invoke", "What does a cheese sandwich cost?") == []


async def test_follow_up_question_is_rewritten_with_its_history(call, gateway, model, retriever):
    history = MessagesPlaceholder("chat_history")
    alone = ChatPromptTemplate.from_messages(
        [("system", "Write a standalone question."), history, ("human", "{input}")]
    )
    order = "Answer from the context only.\n\nContext:\n{context}"
    answer = ChatPromptTemplate.from_messages([("system", order), history, ("human", "{input}")])
    chain = create_retrieval_chain(
        create_history_aware_retriever(model, retriever, alone),
        create_stuff_documents_chain(model, answer),
    )
    question = "Who explained the dance of the bees?"

    first = await call(chain, "invoke", {"input": question, "chat_history": []})
    history_so_far = [HumanMessage(question), AIMessage(first["answer"])]
    second = await call(
        chain, "invoke", {"input": "Where was he born?", "chat_history": history_so_far}
    )

    assert "Karl von Frisch" in first["answer"]
    assert "Vienna" in second["answer"]
    assert second["context"][0].page_content == TEXTS[1]
    queries = [request.body["prompt"] for request in runs(gateway, "text-embedding-3-small")]
    assert queries == [question, "Where was Karl von Frisch born?"]
