"""The doors: HTTP, web page, command line and files, around the one scoring pipeline."""
