"""What does meshproxy ship as plugins? One file each: providers, rewriters, audit loggers, stores.

The rule: of ours they import :mod:`meshproxy.api` alone, and they are found, checked and made exactly as a stranger's plugin is. Every
module of this package that does not begin with ``_`` is one.
"""
