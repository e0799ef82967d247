"""The served files: list, content, versions, diffs, pins."""
