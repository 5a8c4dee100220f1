"""The tests: `python -m twisted.trial tests`; `real_*.py` need programs that are not Python and run in CI."""
