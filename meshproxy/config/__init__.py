"""What has the operator decided? Reads the conf directory into :class:`meshproxy.settings.Settings`, all problems at once.

The way of a file: :mod:`.drafts` reads it with a model (:mod:`.main_model`, :mod:`.service_model`, whose values are of :mod:`.kinds`),
:mod:`.reader` builds settings from the drafts and has them checked against each other. :mod:`.watch` tells when to do it again.
"""

from __future__ import annotations

from .locations import default_conf_dir, demo_conf_dir
from .reader import Loaded, Survey, load, survey
from .schema import schema
from .watch import Watcher

__all__ = ["Loaded", "Survey", "Watcher", "default_conf_dir", "demo_conf_dir", "load", "schema", "survey"]
