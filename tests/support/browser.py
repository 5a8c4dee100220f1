"""A real Chromium, driven over WebDriver by plain HTTP: for what only a browser can say about our pages.

Every call blocks; tests that run a server in the same process call it from a thread.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TAB, ENTER, SHIFT, SPACE = "\ue004", "\ue007", "\ue008", " "
PHONE = (390, 844)
DESKTOP = (1280, 900)

_STARTED = re.compile(rb"started successfully on port (\d+)")
_WITHIN = 30.0


def missing() -> str:
    """Why there can be no browser here; "" when there can."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed" if absent else ""


class BrowserError(Exception):
    """What the driver said instead of doing it."""


class Chrome:
    """One browser with a profile of its own, gone at the end. Use it in a ``with``.

    :param size: of the window, in CSS pixels.
    :param dark: what the person's system prefers.
    """

    def __init__(self, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> None:
        self._profile = tempfile.mkdtemp(prefix="meshproxy-chromium-")
        self._driver = subprocess.Popen(
            [str(shutil.which("chromedriver")), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=self._profile
        )
        self._session = ""
        try:
            self._base = f"http://127.0.0.1:{self._port()}"
            arguments = [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                f"--user-data-dir={self._profile}/p",
                "--no-first-run",
                "--disable-background-networking",
                f"--window-size={size[0]},{size[1]}",
                "--lang=en",
            ]
            options = {"args": arguments, "binary": shutil.which("chromium")}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            self._session = f"/session/{self._ask('POST', '/session', {'capabilities': {'alwaysMatch': wanted}})['sessionId']}"
            self.devtools("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=size[0] < 600)
            features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
            self.devtools("Emulation.setEmulatedMedia", features=features)
        except BaseException:
            self.quit()
            raise

    def __enter__(self) -> Chrome:
        return self

    def __exit__(self, *_: object) -> None:
        self.quit()

    def quit(self) -> None:
        """Close it."""
        if self._session:
            try:
                self._ask("DELETE", self._session)
            except (BrowserError, OSError):
                pass
        self._driver.terminate()
        self._driver.wait(10)
        if self._driver.stdout is not None:
            self._driver.stdout.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    # ---------------------------------------------------------------- what a person does

    def go(self, url: str) -> None:
        """Type an address."""
        self._ask("POST", f"{self._session}/url", {"url": url})

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is. A text is pressed letter by letter."""
        actions = [{"type": kind, "value": key} for text in keys for key in text for kind in ("keyDown", "keyUp")]
        self._ask("POST", f"{self._session}/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def tab_to(self, name: str, most: int = 30, by: Callable[[str], bool] | None = None) -> None:
        """Press Tab until something of that name (its label, text or ``name``), or one that ``by`` likes, has the focus."""
        for _ in range(most):
            focused = self.focused()
            if by(focused) if by else focused == name:
                return
            self.press(TAB)
        raise BrowserError(f"Tab never reaches {name!r}; the last was {self.focused()!r}")

    def until(self, what: Callable[[Chrome], object], doing: str) -> None:
        """Wait until it is so; raises :class:`BrowserError` after half a minute."""
        deadline = monotonic() + _WITHIN
        while not what(self):
            if monotonic() > deadline:
                raise BrowserError(f"{doing}: not within {_WITHIN:g} s; the page is {self.url}: {self.text()[:300]!r}")
            sleep(0.05)

    def new_tab(self) -> str:
        """Open a tab and go there; its handle."""
        handle: str = self._ask("POST", f"{self._session}/window/new", {"type": "tab"})["handle"]
        self.switch(handle)
        return handle

    def switch(self, handle: str) -> None:
        """Go to a tab."""
        self._ask("POST", f"{self._session}/window", {"handle": handle})

    @property
    def handle(self) -> str:
        """The tab that is shown."""
        return str(self._ask("GET", f"{self._session}/window"))

    # ---------------------------------------------------------------- what a person sees

    @property
    def url(self) -> str:
        """The address."""
        return str(self._ask("GET", f"{self._session}/url"))

    @property
    def title(self) -> str:
        """The page's title."""
        return str(self._ask("GET", f"{self._session}/title"))

    def text(self, css: str = "body") -> str:
        """The visible text of the first element that fits, "" where there is none."""
        return str(self.script("const found = document.querySelector(arguments[0]); return found ? found.innerText : ''", css))

    def focused(self) -> str:
        """What has the focus, by its label, its text or its name."""
        return str(
            self.script(
                "const one = document.activeElement; if (!one || one === document.body) return '';"
                "return (one.labels && one.labels.length ? one.labels[0].innerText : '') || one.innerText.trim() || one.name || one.tagName"
            )
        )

    def console(self) -> list[str]:
        """What the browser complained about since the last time: violations of the policy, files that were not there."""
        entries = self._ask("POST", f"{self._session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def screenshot(self, file: Path) -> None:
        """The page as a PNG."""
        file.write_bytes(base64.b64decode(self._ask("GET", f"{self._session}/screenshot")))

    # ---------------------------------------------------------------- behind it

    def script(self, source: str, *arguments: object) -> Any:
        """Run JavaScript as a debugger does (the page's own policy is not asked)."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": source, "args": list(arguments)})

    def devtools(self, command: str, **parameters: object) -> Any:
        """A command of Chromium's own protocol."""
        return self._ask("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _port(self) -> int:
        output = self._driver.stdout
        if output is None:
            raise BrowserError("the driver has no output")
        for line in output:
            found = _STARTED.search(line)
            if found:
                return int(found[1])
        raise BrowserError("the driver did not start")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=_WITHIN) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            value = json.loads(error.read() or b"{}").get("value", {})
            raise BrowserError(f"{method} {path}: {value.get('error')}: {value.get('message')}") from None


def log_in_by_keyboard(chrome: Chrome, url: str, username: str, password: str) -> None:
    """Open a page of a running meshproxy, land on its login form and fill it in, without a mouse."""
    chrome.go(url)
    chrome.until(lambda one: "/_meshproxy/login" in one.url, "the way to the login")
    chrome.tab_to("User name")
    chrome.press(username, TAB)
    if chrome.focused() != "Password":
        raise BrowserError(f"Tab leads from the user name to {chrome.focused()!r}")
    chrome.press(password, ENTER)
    chrome.until(lambda one: "/_meshproxy/login" not in one.url, "the way back from the login")
