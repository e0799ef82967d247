"""Where this distribution keeps the templates of its files; administrators' own ones go before them."""

from pathlib import Path

TEMPLATES = Path(__file__).parents[1] / "templates"
