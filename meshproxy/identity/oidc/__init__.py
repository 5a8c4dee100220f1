"""OpenID Connect, one module a concern: what the provider says of itself, sending people there, taking them back, keeping and ending it.

No module here knows a provider's name; what is odd about one stands in :mod:`meshproxy.identity.presets`.
"""
