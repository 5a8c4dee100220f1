"""How do requests get to a service, and its answers back? The upstream leg: pool, connections, TLS.

:class:`meshproxy.upstream.pool.Pool` is what others use; its interface is :mod:`meshproxy.core.ports`.
"""
