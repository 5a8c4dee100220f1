"""An audit logger: sends every event to the company's event collector, in batches.

[audit.siem]
type = "siem"
url = "https://collector.example.com/events"
"""

import json

from pydantic import BaseModel
from twisted.internet.defer import Deferred

from meshproxy.api import Duration, hookimpl


class SiemAudit:
    name = "siem"

    class Settings(BaseModel):
        url: str
        every: Duration = 0.2

    def __init__(self, settings, context):
        self.settings = settings
        self.context = context
        self.batch = []
        self.call = None

    def record(self, event):
        # An event is recorded once this Deferred fires: with `required = true` the request waits for it.
        recorded = Deferred()
        self.batch.append((json.dumps(event), recorded))
        if self.call is None:
            self.call = self.context.reactor.callLater(self.settings.every, self.send)
        return recorded

    def send(self):
        self.call = None
        batch, self.batch = self.batch, []
        Deferred.fromCoroutine(self.deliver([line for line, _ in batch])).addCallbacks(
            lambda _: [recorded.callback(None) for _, recorded in batch],
            lambda failure: [recorded.errback(failure) for _, recorded in batch],
        )

    async def deliver(self, lines):
        response = await self.context.http.post(self.settings.url, data="\n".join(lines).encode())
        if response.code != 200:
            raise OSError(f"the collector answered {response.code}")

    def stop(self):
        if self.call is not None:
            self.call.cancel()
            self.send()


@hookimpl
def meshproxy_audit_loggers():
    return [SiemAudit]
