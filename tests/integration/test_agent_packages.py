"""The quickstarts of packages that build agents of LangChain's parts, on each family.

Each test imports its package, so that a worker imports only what it runs.
"""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_segmind.testing import Call, FunctionModel, LocalGateway
from tests.integration.call_styles import build, model_requests
from tests.integration.samples import ADA, BORN, SLUGS, Person, each_family

# trustcall and langgraph-supervisor use what LangGraph 1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

THREAD: Any = {"configurable": {"thread_id": "1"}}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


ADD_3_AND_4 = Call("add", {"a": 3, "b": 4})


def messages(text) -> Any:
    """Make the input of an agent from what a user asks."""
    return {"messages": [HumanMessage(text)]}


def last(state):
    return state["messages"][-1].text


async def test_agents_call_the_tools_of_an_mcp_server():
    client_of = pytest.importorskip("langchain_mcp_adapters.client").MultiServerMCPClient
    load_mcp_tools = pytest.importorskip("langchain_mcp_adapters.tools").load_mcp_tools
    server = Path(__file__).with_name("mcp_server.py")
    connection = {"transport": "stdio", "command": sys.executable, "args": [str(server)]}
    points = {"start": {"x": 0, "y": 0}, "end": {"x": 3, "y": 4}}

    async with client_of({"geometry": connection}).session("geometry") as session:
        tools = await load_mcp_tools(session)
        for slug in SLUGS:  # one server for all, because starting it takes a second
            with LocalGateway() as gateway:
                gateway.reply(ADD_3_AND_4, Call("distance", points), "Seven and five.")
                async with build(gateway, slug) as model:
                    state = await create_agent(model, tools).ainvoke(messages("Add. Measure."))

            results = [m.text for m in state["messages"] if isinstance(m, ToolMessage)]
            assert results == ["7", "5.0"]
            assert last(state) == "Seven and five."
            assert "5.0" in str(model_requests(gateway)[-1].body)
            assert gateway.executions == 3


@each_family
def test_deep_agent_writes_a_file_and_has_a_subagent_read_it(gateway, slug):
    create_deep_agent = pytest.importorskip("deepagents").create_deep_agent
    gateway.reply(
        Call("write_file", {"file_path": "/notes.md", "content": "Bees dance."}),
        Call("task", {"description": "Read the notes.", "subagent_type": "general-purpose"}),
        Call("read_file", {"file_path": "/notes.md"}),
        "The notes are about bees.",
        "Noted.",
    )
    with build(gateway, slug) as model:
        agent = create_deep_agent(model=model, tools=[add], system_prompt="Take notes.")
        state = agent.invoke(messages("Note that bees dance."))

    assert last(state) == "Noted."
    assert "Bees dance." in str(state["files"]["/notes.md"])
    of_subagent = str(model_requests(gateway)[3].body)
    assert "Read the notes." in of_subagent
    assert "Bees dance." in of_subagent
    assert "The notes are about bees." in str(model_requests(gateway)[4].body)
    assert gateway.executions == 5


@each_family
def test_supervisor_hands_a_task_to_an_expert(gateway, slug):
    create_supervisor = pytest.importorskip("langgraph_supervisor").create_supervisor
    gateway.reply(
        Call("transfer_to_math_expert", {}), ADD_3_AND_4, "3 and 4 make 7.", "The sum is 7."
    )
    with build(gateway, slug) as model:
        expert = create_agent(model, [add], name="math_expert")
        app = create_supervisor([expert], model=model, prompt="Ask your experts.").compile()
        state = app.invoke(messages("Add 3 and 4."))

    assert last(state) == "The sum is 7."
    assert "3 and 4 make 7." in str(model_requests(gateway)[3].body)
    assert gateway.executions == 4


@each_family
def test_swarm_hands_a_conversation_to_another_agent_and_back(gateway, slug):
    swarm = pytest.importorskip("langgraph_swarm")
    gateway.reply(
        Call("transfer_to_bob", {}),
        "Ahoy!",
        Call("transfer_to_alice", {}),
        ADD_3_AND_4,
        "The sum is 7.",
    )
    with build(gateway, slug) as model:
        to_bob = swarm.create_handoff_tool(agent_name="Bob", description="Talk to a pirate.")
        to_alice = swarm.create_handoff_tool(agent_name="Alice", description="Ask who can add.")
        alice = create_agent(model, [add, to_bob], name="Alice", system_prompt="You can add.")
        bob = create_agent(model, [to_alice], name="Bob", system_prompt="You are a pirate.")
        graph = swarm.create_swarm([alice, bob], default_active_agent="Alice")
        app = graph.compile(checkpointer=InMemorySaver())
        first = app.invoke(messages("Let me talk to Bob."), THREAD)
        second = app.invoke(messages("Add 3 and 4."), THREAD)

    assert (first["active_agent"], last(first)) == ("Bob", "Ahoy!")
    assert (second["active_agent"], last(second)) == ("Alice", "The sum is 7.")
    assert "You are a pirate." in str(model_requests(gateway)[1].body)
    assert gateway.executions == 5


@each_family
def test_trustcall_extracts_a_document_and_patches_it(gateway, slug):
    create_extractor = pytest.importorskip("trustcall").create_extractor
    patch = {"op": "replace", "path": "/year", "value": 1816}
    edit = {"json_doc_id": "Person", "planned_edits": "Change the year.", "patches": [patch]}
    gateway.reply(Call("Person", ADA.model_dump()), Call("PatchDoc", edit))
    with build(gateway, slug) as model:
        extractor = create_extractor(model, tools=[Person], tool_choice="Person")
        found = extractor.invoke(messages(BORN))
        existing = {"Person": ADA.model_dump()}
        changed = extractor.invoke({**messages("It was 1816."), "existing": existing})

    assert found["responses"] == [ADA]
    assert changed["responses"] == [Person(name="Ada Lovelace", year=1816)]
    assert gateway.executions == 2


@each_family
def test_trustcall_has_a_call_that_does_not_fit_patched_by_its_id(slug):
    create_extractor = pytest.importorskip("trustcall").create_extractor

    def extract(request):
        text = "".join(f"{turn.text} {turn.results}" for turn in request.turns)
        wrong = re.search(r"json_doc_id=\[([^\]]+)\]", text)  # trustcall asks for it
        if not wrong:
            return Call("Person", {"name": "Ada Lovelace", "year": "unknown"})
        patch = {"op": "replace", "path": "/year", "value": 1815}
        edit = {"json_doc_id": wrong[1], "planned_edits": "Give the year.", "patches": [patch]}
        return Call("PatchFunctionErrors", edit)

    with LocalGateway(responder=FunctionModel(extract)) as gateway, build(gateway, slug) as model:
        extractor = create_extractor(model, tools=[Person], tool_choice="Person")
        found = extractor.invoke(messages(BORN))

    assert found["responses"] == [ADA]
    assert gateway.executions == 2
