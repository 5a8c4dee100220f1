"""Does a redirect lead to where we already are? The same URL under either of its names, or https on the same host."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ..core.diagnosis import Situation
from ..core.diagnosis.reading import printable
from ..core.diagnosis.values import name_of
from ..core.evidence import Evidence

if TYPE_CHECKING:
    from .heads import Heads


def leads_here(evidence: Evidence, heads: Heads, about: Situation) -> str:
    """The ``Location`` of a redirect that leads to the very URL that was asked for; "" for any other answer.

    The scheme does not count: a service that insists on https sees the same request come again (diagnosis.md §3, ``redirect_loop``).
    """
    if evidence.status is None or not 300 <= evidence.status < 400 or evidence.end != "answered":
        return ""
    values = [value for name, value in evidence.fields if name.lower() == b"location"]
    location = values[-1].decode("utf-8", "replace") if values else ""
    if not location:
        return ""
    asked = f"{about.upstream.origin if about.upstream.scheme != 'sample' else 'http://localhost'}{about_target(heads)}"
    try:
        leads = urlsplit(urljoin(asked, location))
        host, public = name_of(leads.netloc), urlsplit(heads.public_url)
    except ValueError:
        return ""
    if leads.query:
        return ""
    path = leads.path or "/"
    same = host in (about.sent_name, name_of(about.upstream.authority)) and path == (urlsplit(asked).path or "/")
    public_same = host == name_of(public.netloc) and path in (public.path or "/", urlsplit(asked).path or "/")
    return printable(location) if same or public_same else ""


def about_target(heads: Heads) -> str:
    """The path that was asked for, as the service sees it."""
    return heads.target.decode("latin-1")
