"""A model's fields may change between calls; each call goes by what they are then."""

import pytest
from langchain_core.messages import HumanMessage

from tests.integration.call_styles import build, model_requests

CHANGES = {
    "temperature": (0.5, {"temperature": 0.5}),
    "max_tokens": (7, {"max_tokens": 7}),
    "stop": (["x"], {"stop": ["x"]}),
    "model_kwargs": ({"user": "me"}, {"user": "me"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_assigned_field_counts_from_the_next_call(gateway, name):
    model, (assigned, sent) = build(gateway), CHANGES[name]
    model.invoke("Hello")
    before = getattr(model, name)
    setattr(model, name, assigned)
    model.invoke("Hello")
    setattr(model, name, before)
    model.invoke("Hello")

    plain, changed, again = [request.body for request in model_requests(gateway)]
    assert changed == plain | sent
    assert again == plain


def test_fields_that_change_in_place_count_from_the_next_call(gateway):
    model = build(gateway, model_kwargs={}, default_headers={"X-Team": "a"})
    model.invoke("Hello")
    model.model_kwargs["user"] = "me"
    model.default_headers["X-Team"] = "b"
    model.invoke("Hello")

    first, second = model_requests(gateway)
    assert second.body == first.body | {"user": "me"}
    assert [request.headers["x-team"] for request in (first, second)] == ["a", "b"]


def test_copy_of_a_model_has_its_own_fields(gateway):
    model = build(gateway)
    copied = model.model_copy(update={"model": "gpt-5.4-mini", "temperature": 1.0})
    for each in (model, copied, model, copied):
        each.invoke("Hello")

    found = [(r.path, r.body.get("temperature")) for r in model_requests(gateway)]
    assert found == 2 * [("/v1/gpt-4o", None), ("/v1/gpt-5.4-mini", 1.0)]


def test_list_of_messages_is_not_changed_and_not_kept(gateway):
    model, messages = build(gateway), [HumanMessage("Hello")]
    model.invoke(messages)
    messages.append(HumanMessage("More"))
    model.invoke(messages)

    assert [len(request.body["messages"]) for request in model_requests(gateway)] == [1, 2]
    assert messages == [HumanMessage("Hello"), HumanMessage("More")]
