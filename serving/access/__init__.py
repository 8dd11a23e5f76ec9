"""Who may do what: callers, roles, and the guard that stands before every route."""

from serving.access.guard import Guarded, needs, public, who
from serving.access.principal import DEMO, Principal
from serving.access.roles import PERMISSIONS, Permission, Role

__all__ = ["DEMO", "PERMISSIONS", "Guarded", "Permission", "Principal", "Role", "needs", "public", "who"]
