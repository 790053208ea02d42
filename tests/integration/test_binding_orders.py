"""Whatever wraps a model and whatever is bound to it apply together, in whichever order."""

from contextlib import ExitStack
from functools import reduce
from itertools import combinations, permutations
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import ConfigurableField
from pydantic import BaseModel

from langchain_segmind.testing import Call, LocalGateway
from tests.integration.call_styles import build, model_requests
from tests.integration.samples import SLUGS


class City(BaseModel):
    """A city."""

    name: str


def search(query: str) -> str:
    """Search the web."""
    return query


def retry(chain, *_):
    return chain.with_retry(stop_after_attempt=2, wait_exponential_jitter=False)


def fall_back(chain, rest, _):
    return chain.with_fallbacks([rest()])


def choose(chain, rest, _):
    field = ConfigurableField(id="which")
    return chain.configurable_alternatives(field, default_key="first", other=rest())


# Each changes a chain; `rest` builds the same chain, as far as it is built, of the next model.
STEPS: dict[str, Any] = {
    "tools": lambda chain, *_: chain.bind_tools([search]),
    "schema": lambda chain, *_: chain.with_structured_output(City),
    "call": lambda chain, *_: chain.with_structured_output(City, method="function_calling"),
    "settings": lambda chain, *_: chain.bind(temperature=0.5),
    "config": lambda chain, *_: chain.with_config(tags=["mine"]),
    "listener": lambda chain, _, runs: chain.with_listeners(on_start=runs.append),
    "retry": lambda chain, *_: chain.with_retry(
        stop_after_attempt=2, wait_exponential_jitter=False
    ),
    "fallback": fall_back,
    "fields": lambda chain, *_: chain.configurable_fields(max_tokens=ConfigurableField(id="most")),
    "choice": choose,
}
WRAPPERS = tuple(STEPS)[3:]
# LangChain's chains, fallbacks and alternatives have none of a model's fields.
WITHOUT_FIELDS = {"schema", "call", "fallback", "choice"}


def is_refused(order):
    return "fields" in order and bool(WITHOUT_FIELDS & {*order[: order.index("fields")]})


ALL_ORDERS = [
    order
    for end, others in (("tools", 2), ("schema", 2), ("call", 1))
    for wrappers in combinations(WRAPPERS, others)
    for order in permutations((end, *wrappers))
]
ORDERS = [order for order in ALL_ORDERS if not is_refused(order)]


@pytest.fixture(scope="module")
def gateway():
    with LocalGateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def models(gateway):
    with ExitStack() as stack:
        yield [stack.enter_context(build(gateway, slug, max_retries=0)) for slug in SLUGS]


class Tags(BaseCallbackHandler):
    def __init__(self):
        self.seen = set()

    def on_chat_model_start(self, serialized, messages, *, tags=None, **kwargs):
        self.seen |= set(tags or ())


def make(models, order, runs):
    """Apply the steps in this order to the first model."""

    def step(chain, index):
        def rest():
            return make(models[1:], order[:index], runs)

        return STEPS[order[index]](chain, rest, runs)

    return reduce(step, range(len(order)), models[0])


def check(order, answer, requests, tags, runs):
    """Check that the answer, each request and the callbacks show every step."""
    if "tools" in order:
        assert [call["name"] for call in answer.tool_calls] == ["search"]
    else:
        assert answer == City(name="Oslo")
    for request in requests:
        sent = str(request.body)
        assert ("Search the web." in sent) is ("tools" in order)
        assert ("City" in sent) is ("tools" not in order)
        if "settings" in order:
            assert "'temperature': 0.5" in sent
        if "fields" in order:
            assert "': 77" in sent
    assert ("mine" in tags.seen) is ("config" in order)
    assert bool(runs) is ("listener" in order)


def ask(gateway, models, order, *, choice="first", fails=False):
    """Ask in this order's way; return the slugs that were asked."""
    runs: list[Any] = []
    chain, tags = make(models, order, runs), Tags()
    reply = Call("search", {"query": "Oslo"}) if "tools" in order else '{"name": "Oslo"}'
    gateway.reply(Call("City", {"name": "Oslo"}) if "call" in order else reply)
    if fails:
        gateway.fail()
    before = len(model_requests(gateway))
    config: Any = {"callbacks": [tags], "configurable": {"most": 77, "which": choice}}

    answer = chain.invoke("Oslo", config)

    requests = model_requests(gateway)[before:]
    check(order, answer, requests, tags, runs)
    return [request.slug for request in requests]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_every_step_applies_in_any_order(gateway, models, order):
    first, second, third = SLUGS
    assert ask(gateway, models, order) == [first]
    if "choice" in order:
        assert ask(gateway, models, order, choice="other") == [second]
    if "retry" in order or "fallback" in order:
        is_retried = "fallback" not in order or "retry" in order[: order.index("fallback")]
        assert ask(gateway, models, order, fails=True) == [first, first if is_retried else second]
    if "choice" in order and "fallback" in order:
        assert ask(gateway, models, order, choice="other", fails=True) == [second, third]


@pytest.mark.parametrize("order", [*filter(is_refused, ALL_ORDERS)], ids="-".join)
def test_fields_of_what_has_none_are_an_error(models, order):
    with pytest.raises(ValueError, match=r"configurable_fields|key max_tokens not found"):
        make(models, order, [])
