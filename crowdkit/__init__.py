"""crowdkit: crowd counting from composable parts.

Import rooms by name: each part loads only what it needs::

    from crowdkit.losses import BSL
    from crowdkit.targets import density_map
    from crowdkit.models import create_model
"""

from crowdkit import _guard as _guard

__version__ = "0.1.0"
