"""The parts of asterisk/extensions.conf (docs/spec/20-extensions.conf.md, 21-hints.md)."""
