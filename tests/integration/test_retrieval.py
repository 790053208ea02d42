"""Embeddings in LangChain's stores and caches, and the retrievers that ask a chat model."""

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

from langchain_segmind import ChatSegmind, SegmindEmbeddings, SegmindError
from langchain_segmind.testing import LocalGateway, ScriptedModel

TEXTS = [
    "Bees find their way by the sun. They swarm in May and June. Honey is harvested in July.",
    "Karl von Frisch explained the dance of the bees. He was born in Vienna.",
    "The Eiffel Tower is 330 metres tall. It was completed in 1889.",
    "Bread rises because yeast turns sugar into gas. Rye bread is denser.",
]
SWARM, TOWER = "When do bees swarm?", "How tall is the Eiffel Tower?"


# The longest part that is in the prompt counts; NO_OUTPUT and NO are what the retrievers ask for.
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


class Sync:
    """Calls the sync methods."""

    async def invoke(self, runnable, given):
        return runnable.invoke(given)

    async def embed(self, embeddings, texts):
        return embeddings.embed_documents(texts)

    async def add(self, store, texts):
        return store.add_texts(texts)

    async def search(self, store, query):
        return store.similarity_search(query, k=1)


class Async:
    """Calls their async twins."""

    async def invoke(self, runnable, given):
        return await runnable.ainvoke(given)

    async def embed(self, embeddings, texts):
        return await embeddings.aembed_documents(texts)

    async def add(self, store, texts):
        return await store.aadd_texts(texts)

    async def search(self, store, query):
        return await store.asimilarity_search(query, k=1)


@pytest.fixture(params=[Sync, Async])
def do(request):
    return request.param()


@pytest.fixture(params=["text-embedding-3-small", "gemini-embedding-001"])
async def embeddings(request, gateway):
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    async with SegmindEmbeddings(model=request.param, **address) as embeddings:
        yield embeddings


@pytest.fixture(params=["gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash"])
async def model(request, gateway):
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    async with ChatSegmind(model=request.param, **address) as model:
        yield model


@pytest.fixture
def retriever(gateway):
    address = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    with SegmindEmbeddings(model="text-embedding-3-small", **address) as embeddings:
        store = InMemoryVectorStore.from_texts(TEXTS, embeddings)
        gateway.clear()
        yield store.as_retriever(search_kwargs={"k": 3})


def runs(gateway, slug):
    return [request for request in gateway.requests if request.slug == slug and request.executed]


# --- stores and caches -------------------------------------------------------------------------


async def test_a_cache_pays_for_no_text_twice(do, gateway, embeddings, tmp_path):
    cached = CacheBackedEmbeddings.from_bytes_store(
        embeddings, LocalFileStore(tmp_path), namespace=embeddings.model, key_encoder="blake2b"
    )
    first = await do.embed(cached, TEXTS)
    again = await do.embed(cached, [*TEXTS, "Something new."])

    assert again[:4] == first == await do.embed(embeddings, TEXTS)
    assert gateway.executions == 4 + 1 + 4


async def test_a_cache_keeps_the_batches_before_a_failure(do, gateway, embeddings, tmp_path):
    cached = CacheBackedEmbeddings.from_bytes_store(
        embeddings, LocalFileStore(tmp_path), batch_size=2, key_encoder="blake2b"
    )
    await do.embed(cached, TEXTS[:2])
    gateway.fail(status=400)
    with pytest.raises(SegmindError):
        await do.embed(cached, TEXTS)
    ran = gateway.executions
    await do.embed(cached, TEXTS[:2])

    assert gateway.executions == ran


async def test_a_store_in_memory_finds_what_is_near(do, embeddings):
    store = InMemoryVectorStore(embeddings)
    await do.add(store, TEXTS)

    assert [(await do.search(store, q))[0].page_content for q in (SWARM, TOWER)] == [
        TEXTS[0],
        TEXTS[2],
    ]


async def test_a_database_in_a_folder_is_opened_again_without_embedding(
    do, gateway, embeddings, tmp_path
):
    def database():
        quiet = Settings(anonymized_telemetry=False)
        return Chroma("texts", embeddings, persist_directory=str(tmp_path), client_settings=quiet)

    await do.add(database(), TEXTS)
    assert gateway.executions == len(TEXTS)

    (found,) = await do.search(database(), TOWER)
    assert found.page_content == TEXTS[2]
    assert gateway.executions == len(TEXTS) + 1
    assert any(tmp_path.iterdir())


# --- retrievers that ask a model ---------------------------------------------------------------


async def test_several_versions_of_a_question_find_more(do, gateway, model, retriever):
    several = MultiQueryRetriever.from_llm(retriever, model)

    found = await do.invoke(several, SWARM)

    assert found[0].page_content == TEXTS[0]
    assert len({document.page_content for document in found}) == len(found) >= 3
    assert len(runs(gateway, model.model)) == 1
    queries = [request.body["prompt"] for request in runs(gateway, "text-embedding-3-small")]
    assert len(set(queries)) == len(queries) == 3
    assert SWARM in queries


async def test_a_model_extracts_what_answers(do, gateway, model, retriever):
    compressed = ContextualCompressionRetriever(
        base_compressor=LLMChainExtractor.from_llm(model), base_retriever=retriever
    )

    (found,) = await do.invoke(compressed, SWARM)

    assert found.page_content == "Bees find their way by the sun. They swarm in May and June."
    assert len(runs(gateway, model.model)) == 3


async def test_a_model_filters_what_does_not_answer(do, model, retriever):
    filtered = ContextualCompressionRetriever(
        base_compressor=LLMChainFilter.from_llm(model), base_retriever=retriever
    )

    assert [document.page_content for document in await do.invoke(filtered, TOWER)] == [TEXTS[2]]
    assert await do.invoke(filtered, "What does a cheese sandwich cost?") == []


async def test_a_follow_up_question_is_understood_by_its_history(do, gateway, model, retriever):
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

    first = await do.invoke(chain, {"input": question, "chat_history": []})
    said = [HumanMessage(question), AIMessage(first["answer"])]
    second = await do.invoke(chain, {"input": "Where was he born?", "chat_history": said})

    assert "Karl von Frisch" in first["answer"]
    assert "Vienna" in second["answer"]
    assert second["context"][0].page_content == TEXTS[1]
    queries = [request.body["prompt"] for request in runs(gateway, "text-embedding-3-small")]
    assert queries == [question, "Where was Karl von Frisch born?"]
