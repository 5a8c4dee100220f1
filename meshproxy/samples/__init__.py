"""What does a service see? The built-in sample application behind ``upstream = "sample:"``.

It shows the head that reached it, byte for byte, echoes a WebSocket, streams a clock and takes uploads: what operators need
to see that their own settings work. The rule: it is reached over a real socket by the real upstream leg, like any service.
"""

from __future__ import annotations

from .sample_server import SampleServer

__all__ = ["SampleServer"]
