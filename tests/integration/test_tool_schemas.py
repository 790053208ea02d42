"""Schemas of tools reach the gateway with their meaning, all in one document."""

from typing import Any

from jsonschema import Draft202012Validator

from langchain_segmind.testing import LocalGateway
from tests.integration.call_styles import build, model_requests
from tests.unit.public_schemas.loading import load_test_suite

# Their addresses are on the network, or their references depend on the document's root.
LEFT_OUT = ("refRemote", "dynamicRef", "vocabulary", "defs", "remote ref, containing refs itself")


def suite():
    groups = [group for group in load_test_suite() if group["name"].startswith("draft2020-12/")]
    return [group for group in groups if not any(word in group["name"] for word in LEFT_OUT)]


def tool_of(name, schema):
    """Describe a tool with one argument, whose schema is a document of its own."""
    if isinstance(schema, dict):
        schema = {"$id": f"https://example.com/{name}", **schema}
    parameters = {"type": "object", "properties": {"value": schema}, "required": ["value"]}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def arguments_schema(sent, name):
    """Find the schema of a tool's arguments: names and arguments are listed in one order."""
    todo: list[Any] = [sent]
    for part in todo:
        match part:
            case {"properties": {"name": {"enum": names}, "arguments": {"anyOf": schemas}}}:
                return schemas[names.index(name)]
            case dict():
                todo += part.values()
            case list():
                todo += part
    raise AssertionError(name)


def test_schemas_of_many_tools_accept_the_same_values_in_one_request():
    groups = {f"tool_{n}": group for n, group in enumerate(suite())}
    tools = [tool_of(name, group["schema"]) for name, group in groups.items()]
    with LocalGateway() as gateway:
        gateway.reply("Hello.")
        build(gateway).bind_tools(tools).invoke("Hello")
        [request] = model_requests(gateway)

    sent = request.body["response_format"]["json_schema"]["schema"]
    wrong = []
    for name, group in groups.items():
        schema = {**arguments_schema(sent, name), "$defs": sent["$defs"]}
        judge = Draft202012Validator(schema)
        for value, is_valid in group["cases"]:
            if judge.is_valid({"value": value}) != is_valid:
                wrong.append((group["name"], value))
    assert wrong == []
    assert len(groups) > 300
