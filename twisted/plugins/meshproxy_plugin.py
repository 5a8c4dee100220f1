"""Tells twistd that there is a ``meshproxy``; imports nothing of ours, since twistd reads it for every command."""

from twisted.application.service import ServiceMaker

meshproxy = ServiceMaker("meshproxy", "meshproxy.tap", "authenticating reverse proxy for service meshes", "meshproxy")
