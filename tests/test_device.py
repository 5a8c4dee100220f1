"""What a browser calls itself, for people: :mod:`meshproxy.web.own.device`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.web.own.device import device_name

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
NAMES = {
    CHROME: "Chrome on Windows",
    CHROME + " Edg/140.0.0.0": "Edge on Windows",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on Linux",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.0 Safari/605.1.15": "Safari on macOS",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {APPLE} CriOS/140.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {APPLE} Chrome/140.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    "curl/8.10.1": "curl",
    "": "Unknown device",
    "<script>": "Unknown device",
}


class DeviceTests(SynchronousTestCase):
    def test_names(self) -> None:
        """The browsers that people use, whatever else they call themselves; what is not known is said so."""
        for user_agent, name in NAMES.items():
            self.assertEqual(device_name(user_agent), name)
