"""Shadow scoring: what the challenger would have answered, recorded beside the champion's answer, never in it."""

from serving.shadow.summary import summary
from serving.shadow.table import shadow_path

__all__ = ["shadow_path", "summary"]
