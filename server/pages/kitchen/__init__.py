"""The kitchen's pages on the tablet; importing this package fills the blueprint ``kitchen``."""

from server.pages.kitchen import more, names, receiving, samples, stock, today
from server.pages.kitchen.blueprint import kitchen

__all__ = ["kitchen", "more", "names", "receiving", "samples", "stock", "today"]
