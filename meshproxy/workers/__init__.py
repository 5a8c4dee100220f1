"""How do several processes serve as one? ``twistd meshproxy --workers N``: one parent, N workers on the parent's sockets.

The parent owns what exists once (sockets, admin, control, shared state, the watch over files, the way out) and proxies nothing; a
worker is what ``--workers 1`` is, with the parent behind its shared state and its log. They speak over a socket pair each:

    crew ── member ══ messages ══ inside ── process
      what the parent keeps of them │ what runs in a worker
"""
