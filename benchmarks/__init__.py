"""Benchmarks: figures that say how fast the slow parts are, against a plain baseline and other libraries."""
