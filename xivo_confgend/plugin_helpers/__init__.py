"""What several drivers share and third parties may import: writing and reading Asterisk files, templates."""
