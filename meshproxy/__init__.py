"""meshproxy: an authenticating reverse proxy for service meshes."""

__version__ = "26.11.0"
