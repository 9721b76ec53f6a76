"""glassnet: feed-forward networks trained by backpropagation, with every step in plain sight.

The public names stand in ``__init__.pyi``; each is imported when it is first used, so that a command line that only
prints help loads no arrays.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
