"""What is to be done with a request, as pure functions over values.

The rule this package keeps: nothing of Twisted, no sockets, no clock, no globals. Time (``now``, seconds
since the epoch) and randomness come in as arguments, so every rule can be tested by calling it.
"""
