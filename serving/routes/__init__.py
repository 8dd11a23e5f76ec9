"""The HTTP routes: each reads, calls one function and answers."""
