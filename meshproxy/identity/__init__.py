"""How does meshproxy talk to identity providers? The leg towards them, and the protocols that are spoken on it.

Nothing here knows a session, a page or a service; the providers of :mod:`meshproxy.builtin` reach it through :mod:`meshproxy.api.identity`.
"""
