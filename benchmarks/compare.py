"""How much CPU does a proxied, authenticated request cost, beside Envoy's oauth2 filter and a bare nginx?

    python -m benchmarks.compare [--only NAME,…] [--seconds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.idp import RealProvider

from .peers import PEERS, Place, upstream
from .processes import cpu_seconds, free_port, resident_bytes

LOAD_CPU = 1
SIZES = ("small", "medium", "large")
NAMES = {"small": "98 bytes", "medium": "16 KiB", "large": "1 MiB"}
_FIELDS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language: en-GB,en;q=0.9",
    "Accept-Encoding: gzip, deflate, br", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-origin",
)


def load(url: str, cookie: str, seconds: int) -> dict[str, float]:
    """wrk with 32 keep-alive connections: requests, requests/s, p50 and p99 in milliseconds. Raises where any answer is no 2xx."""
    command = ["taskset", "-c", str(LOAD_CPU), "wrk", "-t1", "-c32", f"-d{seconds}", "--latency", "-H", f"Cookie: {cookie}"]
    for field in _FIELDS:
        command += ["-H", field]
    text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    requests = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if requests is None or rate is None:
        raise RuntimeError(text)
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    tail = {share: float(value) * units[unit] for share, value, unit in re.findall(r"\s(50|99)%\s+([\d.]+)(us|ms|s)", text)}
    return {"requests": int(requests[1]), "rate": float(rate[1]), "p50": tail["50"], "p99": tail["99"]}


def measure(name: str, place: Place, seconds: int) -> dict[str, Any]:
    """All sizes through one peer."""
    start, _ = PEERS[name]
    result: dict[str, Any] = {}
    with start(place) as (pid, cookie):
        result["rest_bytes"] = resident_bytes(pid)
        for size in SIZES:
            url = f"http://localhost:{place.port}/{size}"
            load(url, cookie, 1)
            before = cpu_seconds(pid)
            figures = load(url, cookie, seconds)
            figures["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / figures["requests"]
            result[size] = figures
        result["resident_bytes"] = resident_bytes(pid)
    return result


def table(results: dict[str, Any]) -> str:
    """What people read."""
    lines = ["| | " + " | ".join(f"{NAMES[size]}: CPU µs · req/s · p50 · p99 ms" for size in SIZES) + " | RSS at rest · after, MB |",
             "|---|" + "---|" * (len(SIZES) + 1)]
    measure_of = results.get("envoy")
    for name, result in results.items():
        cells = []
        for size in SIZES:
            one = result[size]
            ratio = f" (×{one['cpu_us'] / measure_of[size]['cpu_us']:.2f})" if measure_of and name != "envoy" else ""
            cells.append(f"{one['cpu_us']:.0f}{ratio} · {one['rate']:.0f} · {one['p50']:.1f} · {one['p99']:.1f}")
        cells.append(f"{result['rest_bytes'] / 1e6:.0f} · {result['resident_bytes'] / 1e6:.0f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(PEERS)
    ports = {name: free_port() for name in wanted}
    redirects = [f"http://localhost:{port}{path}" for port in ports.values() for path in ("/callback", "/_meshproxy/callback")]
    provider = RealProvider(redirect_uris=redirects, pkce=False)
    results: dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            folder.chmod(0o755)
            port = free_port()
            with upstream(port, folder / "upstream", LOAD_CPU):
                for name in wanted:
                    if not PEERS[name][1]():
                        print(f"{name}: not found")
                        continue
                    place = Place(ports[name], port, provider.issuer, folder / name)
                    place.folder.mkdir()
                    results[name] = measure(name, place, options.seconds)
                    print(f"{name}: " + ", ".join(f"{size} {results[name][size]['cpu_us']:.1f} µs" for size in SIZES), flush=True)
    finally:
        provider.stop()
    print(f"\n{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, one core, 32 keep-alive connections, session cookie\n")
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
