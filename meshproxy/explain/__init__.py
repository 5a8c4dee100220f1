"""What would happen to this request, and why? ``meshproxy explain``, for the command line and for tests.

:mod:`.question` makes the head, :mod:`.asker` the principal, :mod:`.rehearsal` sends both through the gateway itself, :mod:`.tracing`
watches what becomes of the fields, and :mod:`.explanation` is what is told of it. :mod:`.stagehand` puts the whole together.
"""

from __future__ import annotations

from .asker import Asker
from .explanation import Explanation
from .question import NotAUrl, Question
from .recorded import recorded
from .stagehand import Explaining

__all__ = ["Asker", "Explaining", "Explanation", "NotAUrl", "Question", "recorded"]
