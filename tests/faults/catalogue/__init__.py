"""The faults, as data: what happens to a call, and what must come of it.

What must come of it was written down from the rules, never from what the package does: an attempt
is repeated only if the model surely did not run (not sent, or refused with a documented status);
`unknown` and `executed` are told and left alone; the class says what to do about it.
"""

from typing import Final

from tests.faults.catalogue.connecting import CONNECTING
from tests.faults.catalogue.proxies import PROXIES
from tests.faults.catalogue.queue import QUEUED
from tests.faults.catalogue.replies import BODIES, HEADS
from tests.faults.catalogue.shapes import SHAPES
from tests.faults.catalogue.statuses import HINTS, REDIRECTS, STATUSES
from tests.faults.catalogue.way import KEPT, WAY

CATALOGUE: Final = [
    *CONNECTING,
    *PROXIES,
    *WAY,
    *KEPT,
    *STATUSES,
    *HINTS,
    *REDIRECTS,
    *HEADS,
    *BODIES,
    *SHAPES,
    *QUEUED,
]
