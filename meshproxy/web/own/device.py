"""On what was somebody logged in? A browser's ``User-Agent``, as a person would say it.

Only as a help to recognise one's own devices: nothing is decided by it, and what is not recognised is said so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .visit import Visit

# The first that occurs wins: browsers name their ancestors too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chromium"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python", "a Python program"),
    ("Go-http-client", "a Go program"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def user_agent(visit: Visit) -> str:
    """What the browser calls itself."""
    found = (value for name, value in visit.arrival.head.fields if name.lower() == b"user-agent")
    return next(found, b"").decode("ascii", "replace")


def device_name(user_agent: str) -> str:
    """``"Firefox on Linux"``, or as much of it as can be told."""
    browser = next((name for mark, name in _BROWSERS if mark.lower() in user_agent.lower()), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown device"
