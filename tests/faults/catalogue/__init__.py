"""The faults, as data: what happens to a call, and what must come of it.

The expectations follow from the rules, never from what the package does: an attempt is repeated
only if the model surely did not run (not sent, or refused with a documented status); `unknown` and
`executed` are reported and not repeated; the error's class names the next step.

`CATALOGUE` is played over HTTP, by both drivers and by `report.py`; what of it reaches a flow
unchanged is played as a flow too, and so is `JOB_DETAILS`, which flows decide alone.
"""

from typing import Final

from tests.faults.catalogue.connecting import CONNECTING
from tests.faults.catalogue.queue import JOB_DETAILS, QUEUED
from tests.faults.catalogue.replies import BODIES, HEADS
from tests.faults.catalogue.shapes import SHAPES
from tests.faults.catalogue.statuses import STATUSES
from tests.faults.catalogue.transfer import TRANSFER

CATALOGUE: Final = [*CONNECTING, *TRANSFER, *STATUSES, *HEADS, *BODIES, *SHAPES, *QUEUED]

__all__ = ["CATALOGUE", "JOB_DETAILS"]
