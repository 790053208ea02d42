"""Published schemas judge values the same way after they were put into another document."""

from collections import Counter

import pytest
from jsonschema import Draft202012Validator

from langchain_segmind._messages.schema_document import Document
from tests.unit.public_schemas.instances import Sampler, judge_of
from tests.unit.public_schemas.loading import load_schema_store, load_test_suite

GROUPS = {group["name"]: group for group in load_test_suite()}

NETWORK = "it refers to an address on the network, and nothing is fetched"
DYNAMIC = "where a dynamic reference leads depends on the references that were followed before"
LENIENT = {
    "refRemote": NETWORK,
    "definitions: validate definition against metaschema": NETWORK,
    "defs: validate definition against metaschema": NETWORK,
    "ref: remote ref, containing refs itself": NETWORK,
    "dynamicRef: strict-tree schema, guards against misspelled properties": NETWORK,
    "dynamicRef: tests for implementation dynamic anchor and reference link": NETWORK,
    "dynamicRef: $ref and $dynamicAnchor are independent of order - $defs first": NETWORK,
    "dynamicRef: $ref and $dynamicAnchor are independent of order - $ref first": NETWORK,
    "dynamicRef: $ref to $dynamicRef finds detached $dynamicAnchor": NETWORK,
    "dynamicRef: multiple dynamic paths to the $dynamicRef keyword": DYNAMIC,
    "dynamicRef: after leaving a dynamic scope, it is not used by a $dynamicRef": DYNAMIC,
    "dynamicRef: $dynamicRef skips over intermediate resources - direct reference": DYNAMIC,
    "recursiveRef: multiple dynamic paths to the $recursiveRef keyword": DYNAMIC,
    "recursiveRef: dynamic $recursiveRef destination (not predictable at schema compile time)": (
        DYNAMIC
    ),
}
"""Groups of the suite, or whole files of it, whose schemas may accept more than they should."""

# Its dialect, at an address on the network, has no `minimum`.
STRICT = {
    "vocabulary: schema that uses custom metaschema with with no validation vocabulary",
}

LENIENT_IN_STORE = {"JSON Schema Draft 8": NETWORK, "JSON Schema Draft 2020-12": NETWORK}


def embedded(schema):
    document = Document()
    schema = document.embed(schema, "tool")
    return Draft202012Validator({**schema, "$defs": document.definitions})


def mistakes(group):
    """Return what is wrong about each case of a group: nothing, "lenient" or "strict"."""
    schema, is_object = group["schema"], isinstance(group["schema"], dict)
    judge = embedded(schema if is_object else {"properties": {"value": schema}})
    found = [
        (judge.is_valid(value if is_object else {"value": value}), is_valid)
        for value, is_valid in group["cases"]
    ]
    wrong = {(True, False): "lenient", (False, True): "strict"}
    return {wrong[pair] for pair in found if pair in wrong}


def known_as(name):
    title = name.partition("/")[2]
    keys = (title, title.partition(":")[0])
    return next((key for key in keys if key in LENIENT or key in STRICT), None)


@pytest.mark.parametrize("name", [name for name in GROUPS if known_as(name) is None])
def test_embedded_schema_judges_the_values_of_the_test_suite_as_it_should(name):
    assert mistakes(GROUPS[name]) == set()


def test_exceptions_are_lenient_and_each_is_needed():
    wrong = {name: mistakes(GROUPS[name]) for name in GROUPS if known_as(name)}

    strict = {known_as(name) for name, kinds in wrong.items() if "strict" in kinds}
    assert strict == STRICT
    assert {known_as(name) for name, kinds in wrong.items() if kinds} == STRICT | set(LENIENT)


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")  # in their patterns
def test_embedded_schemas_of_schema_store_judge_values_as_they_do_themselves():
    judged: Counter[object] = Counter()
    wrong = {}
    for name, schema in load_schema_store().items():
        judge, other = judge_of(schema), embedded(schema)
        for value in Sampler(judge, seed=1).instances(4):
            try:
                is_valid = judge.is_valid(value)
            except Exception as error:  # noqa: BLE001 - broken references and patterns
                judged[type(error).__name__] += 1
                continue
            judged[is_valid] += 1
            if other.is_valid(value) != is_valid:
                wrong[name] = "strict" if is_valid else "lenient"

    assert wrong == dict.fromkeys(LENIENT_IN_STORE, "lenient")
    assert judged[True] > 2_000
    assert judged[False] > 2_000
    assert judged.total() - judged[True] - judged[False] < 200
