"""Towards the browser: the channel that reads requests, the gateway that decides, the relay, and meshproxy's own pages.

It does not import :mod:`meshproxy.upstream`; the pools it uses are given to it (:mod:`meshproxy.core.ports`).
"""
