"""Where is it kept what must hold once, everywhere? In Redis where the conf names one, else in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .shared_state import LocalState, SharedState

if TYPE_CHECKING:
    from ..settings import Settings

NEEDS_HIREDIS = "Redis needs the package hiredis: pip install 'meshproxy[redis]'"


def shared_state(reactor: Any, settings: Settings) -> SharedState:
    """The shared state that ``[session] redis_url`` and ``state_dir`` ask for.

    :raises OSError: ``state_dir`` cannot be used, or another process uses it.
    :raises RuntimeError: there is a ``redis_url``, and hiredis is not installed.
    """
    session = settings.session
    if not session.redis_url:
        return LocalState(reactor, settings.state_dir)
    try:
        from .redis_client import RedisClient
        from .redis_shared import RedisState
    except ImportError as error:
        raise RuntimeError(NEEDS_HIREDIS) from error
    return RedisState(reactor, RedisClient(reactor, session.redis_url, ca_file=session.redis_ca_file))
