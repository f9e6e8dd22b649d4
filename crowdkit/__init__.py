"""crowdkit: crowd counting from composable parts.

The rooms are imported by name, so that a part costs only what it needs::

    from crowdkit.losses import BSL
    from crowdkit.targets import density_map
    from crowdkit.models import create_model
"""

from crowdkit import _guard as _guard

__version__ = "0.1.0"
