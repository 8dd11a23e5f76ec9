"""Sphinx configuration: MyST pages, no outside address at run time."""

project = "eco_credit"
copyright = "2026, the eco_credit authors"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
exclude_patterns = ["_build"]
