"""The faults, as data: what happens to a call, and what must come of it.

The expectations follow from the rules, never from what the package does: an attempt is repeated
only if the model surely did not run (not sent, or refused with a documented status); `unknown` and
`executed` are reported and not repeated; the error's class names the next step.

`CATALOG` is played over HTTP, by both drivers and by `report.py`; what of it reaches a flow
unchanged is played as a flow too, and so is `JOB_DETAILS`, which flows decide alone.
"""

from typing import Final

from tests.faults.catalog.connecting import CONNECTING
from tests.faults.catalog.queue import JOB_DETAILS, QUEUED
from tests.faults.catalog.replies import BODIES, HEADS
from tests.faults.catalog.shapes import SHAPES
from tests.faults.catalog.statuses import STATUSES
from tests.faults.catalog.transfer import TRANSFER

CATALOG: Final = [*CONNECTING, *TRANSFER, *STATUSES, *HEADS, *BODIES, *SHAPES, *QUEUED]

__all__ = ["CATALOG", "JOB_DETAILS"]
