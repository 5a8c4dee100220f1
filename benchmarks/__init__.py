"""What does meshproxy cost, beside others? Benchmarks, run by hand; never part of the tests."""
