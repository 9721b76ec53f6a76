"""Model files and checkpoints, in and out. Nothing is ever unpickled."""

from glassnet.files.atomic import write_bytes
from glassnet.files.container import read_container, write_container
from glassnet.files.model import Model, load, load_model, save, save_model

__all__ = ["Model", "load", "load_model", "read_container", "save", "save_model", "write_bytes", "write_container"]
