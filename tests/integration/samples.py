"""What several suites send: a slug of each family, a picture, and a schema with a fitting reply."""

import base64

import pytest
from pydantic import BaseModel, Field

SLUGS = ("gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash")
each_family = pytest.mark.parametrize("slug", SLUGS)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_BASE64 = base64.b64encode(PNG).decode()


class Person(BaseModel):
    """A person."""

    name: str = Field(description="Full name")
    year: int = Field(description="Year of birth")


BORN = "Ada Lovelace was born in 1815."
ADA = Person(name="Ada Lovelace", year=1815)
ADA_JSON = '{"name": "Ada Lovelace", "year": 1815}'
