"""Who else has a say? Plugins: found, checked and made here, the built-in ones through the same door as strangers.

:mod:`.loading` finds them, :mod:`.checking` judges classes and instances, :mod:`.options` reads the tables that use them, and
:class:`~.host.Plugins` is what the rest of meshproxy talks to.
"""

from __future__ import annotations

from .host import Findings, Plugins

__all__ = ["Findings", "Plugins"]
