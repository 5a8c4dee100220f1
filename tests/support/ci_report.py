"""How many tests passed and failed in a run of trial? Read from what trial printed at its end.

A run without a summary has failed, so has one whose exit code says so although its summary does not. A skipped test counts
as failed unless its reason is allowed: what was not run has not been seen to work.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

_SUMMARY = re.compile(r"^(PASSED|FAILED)(?: \((?P<counts>[a-zA-Z]+=\d+(?:, [a-zA-Z]+=\d+)*)\))?\s*$", re.MULTILINE)
_SKIPPED = re.compile(r"^={79}\n\[SKIPPED\]\n(?P<block>.*?)(?=^={79}$|^-{79}$)", re.MULTILINE | re.DOTALL)
_TEST_ID = re.compile(r"^[A-Za-z_]\w*(\.\w+)+(\s+\(.*\))?$")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run amounts to."""

    passed: int
    failed: int


def skips(text: str) -> list[tuple[str, int]]:
    """The reasons for which tests were skipped, each with how many tests it is."""
    found = []
    for match in _SKIPPED.finditer(text):
        lines = [line for line in match["block"].splitlines() if line.strip()]
        tests = 0
        while lines and _TEST_ID.match(lines[-1].strip()):
            lines.pop()
            tests += 1
        found.append((" ".join(line.strip() for line in lines), max(tests, 1)))
    return found


def counts(text: str, exit_code: int, allowed: list[str]) -> Counts:
    """Count a run.

    :param text: everything that it printed.
    :param exit_code: of trial.
    :param allowed: regular expressions; a skip whose whole reason one of them matches does not count at all.
    """
    summaries = list(_SUMMARY.finditer(text))
    if not summaries:
        return Counts(0, 1)
    listed = dict(part.split("=") for part in (summaries[-1]["counts"] or "").split(", ") if part)
    number = {name: int(count) for name, count in listed.items()}
    excused = sum(tests for reason, tests in skips(text) if any(re.fullmatch(pattern, reason) for pattern in allowed))
    failed = sum(number.get(kind, 0) for kind in ("failures", "errors", "unexpectedSuccesses"))
    failed += max(number.get("skips", 0) - excused, 0)
    if failed == 0 and (exit_code != 0 or summaries[-1][1] == "FAILED" or number.get("successes", 0) == 0):
        failed = 1
    return Counts(number.get("successes", 0), failed)


def main(arguments: list[str]) -> int:
    """``ci_report.py LOG EXIT_CODE ALLOWED_SKIPS``: prints the two numbers."""
    log, exit_code, allowed = arguments
    patterns = [line for line in Path(allowed).read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    result = counts(Path(log).read_text("utf-8", "replace"), int(exit_code), patterns)
    print(result.passed, result.failed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
