"""The only part that speaks to PostgreSQL: the session that drivers read from, and whether what they read is current.

The rules are those of docs/spec/44-exact-freshness.md.
"""
