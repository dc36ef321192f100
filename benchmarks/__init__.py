"""Measured figures of this library beside its peers; see docs/benchmarks.md."""
