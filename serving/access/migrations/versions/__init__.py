"""One file for each change of the tables of keys and sessions."""
