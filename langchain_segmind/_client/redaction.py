"""Copy pydantic's errors without the values that were passed: some may be secrets."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


def without_values(error: ValidationError, missing: str) -> ValidationError:
    """Copy an error without the values that are wrong.

    Args:
        error: The error.
        missing: What to say of a missing model, the only field that is required.
    """
    return ValidationError.from_exception_data(
        error.title,
        [
            InitErrorDetails(
                type=PydanticCustomError(line["type"], "{reason}", {"reason": reason}),
                loc=line["loc"],
                input="(not shown)",
            )
            for line in error.errors(include_url=False, include_input=False, include_context=False)
            for reason in [missing if line["type"] == "missing" else line["msg"]]
        ],
        hide_input=True,
    )
