"""How fast it is, measured: `make bench`, or `python -m benchmarks`.

Needs nothing but what `make run` needs: it brings its own PostgreSQL and its own companies. What the numbers
mean is told in BENCHMARKS.md. No test runs this, except one small round that shows that it still works.
"""
