"""Where do a request's microseconds go? A profile of the whole product under load, by module.

    python -m benchmarks.profile [--seconds N] [--functions]

The figures are those of cProfile, which slows Python down and leaves C alone: read them as shares, not as times.
"""

from __future__ import annotations

import argparse
import pstats
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.support.idp import RealProvider

from .compare import load
from .peers import PEERS, Place, upstream
from .processes import free_port


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--functions", action="store_true", help="the 40 functions that cost most, beside the modules")
    options = parser.parse_args()
    port, service = free_port(), free_port()
    provider = RealProvider(redirect_uris=[f"http://localhost:{port}/_meshproxy/callback"], pkce=False)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            folder.chmod(0o755)
            stats = folder / "stats"
            options_of_twistd = ("--profile", str(stats), "--profiler", "cprofile", "--savestats")
            place = Place(port, service, provider.issuer, folder / "meshproxy", options_of_twistd)
            place.folder.mkdir()
            with upstream(service, folder / "upstream", 1), PEERS["meshproxy"][0](place) as (_, cookie):
                requests = load(f"http://localhost:{port}/small", cookie, options.seconds)["requests"]
            show(pstats.Stats(str(stats)), requests, functions=options.functions)
    finally:
        provider.stop()


def show(stats: pstats.Stats, requests: float, *, functions: bool) -> None:
    """The time in each module itself, a request, in microseconds."""
    modules: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        if "poll" in name:
            continue
        place = file.rpartition("site-packages/")[2] if "site-packages/" in file else file.rpartition("/main/")[2] or file
        modules[f"{name} (C)" if file == "~" else place] += own
    print(f"{requests:.0f} requests; µs a request under the profiler:")
    for place, own in modules.most_common(40):
        print(f"{own * 1e6 / requests:8.1f}  {place}")
    if functions:
        stats.sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
    sys.exit(0)
