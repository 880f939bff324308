"""pidnet: partial information decomposition of neural networks, from activations to a smaller model.

The public names stand in ``__init__.pyi`` in pipeline order; each is imported when it is first used, so
that ``import pidnet`` is instant.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
