"""What do we say to a person whose request got no page of a service? A title and a sentence for each status.

The rule: say what happened and what the person can do, in words that need no knowledge of HTTP; blame nobody who reads it.
``slug`` is the same thing for programs (``error`` of the JSON form) and never changes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """How one kind of problem is named. ``again``: trying the same again may help."""

    slug: str
    title: str
    text: str
    again: bool = False


_NOT_UNDERSTOOD = "Your browser, or a program on the way, sent something that cannot be read as one clear request. Nothing was passed on."
_NOT_YOU = (
    "This is not your fault, and your login is fine. Try again in a moment; if it stays like this, tell your operators the request id."
)

WORDS: dict[int, Words] = {
    400: Words("bad_request", "This request cannot be understood", _NOT_UNDERSTOOD),
    401: Words("login_required", "Please log in", "You are not logged in, so nothing was sent on. Log in first, then send it again."),
    403: Words("forbidden", "You may not open this", "Access was refused, and nothing was passed on."),
    404: Words("not_found", "There is nothing here", "No service lives at this address. Perhaps the link is old or has a typing error."),
    405: Words("method_not_allowed", "This cannot be done here", "The address exists, but not for this kind of request."),
    408: Words("request_timeout", "The request took too long", "It did not arrive completely within the time allowed.", True),
    411: Words("length_required", "This request cannot be understood", _NOT_UNDERSTOOD),
    413: Words("too_large", "This is too large", "What was sent is larger than is accepted here."),
    414: Words("uri_too_long", "The address is too long", "The link is longer than is accepted here."),
    417: Words("expectation_failed", "This request cannot be understood", _NOT_UNDERSTOOD),
    421: Words(
        "misdirected", "This name is not served here", "The connection arrived, but no service has this host name. Check the address."
    ),
    429: Words("too_many_attempts", "Too many attempts", "For safety, logging in is paused for a short while. Wait, then try again."),
    431: Words(
        "fields_too_large",
        "The request is too large",
        "The browser sent more than is accepted, perhaps too many cookies. Deleting them helps.",
    ),
    500: Words("internal_error", "Something broke on our side", _NOT_YOU, True),
    501: Words("not_implemented", "This cannot be done here", "This kind of request is not supported."),
    502: Words("bad_gateway", "The service did not answer properly", _NOT_YOU, True),
    503: Words("unavailable", "The service is not available right now", _NOT_YOU, True),
    504: Words("gateway_timeout", "The service took too long to answer", _NOT_YOU, True),
    505: Words("version_not_supported", "This request cannot be understood", _NOT_UNDERSTOOD),
    508: Words(
        "loop_detected", "The request goes round in circles", "It came back to where it already was. Tell your operators the request id."
    ),
}


def words(status: int) -> Words:
    """The words for a status; those of its class where it has none of its own."""
    return WORDS.get(status) or WORDS[500 if status >= 500 else 400]
