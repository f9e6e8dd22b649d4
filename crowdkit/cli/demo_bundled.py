"""The bundled model in the demo: it counts a drawn scene, which is nothing like what it has learned."""

from pathlib import Path
from typing import Any

from crowdkit.counting import Counter, open_model
from crowdkit.data import SyntheticCrowd
from crowdkit.models import list_weights

_SIZE, _PEOPLE = (384, 512), (80, 80)


def count_a_scene(folder: Path, *, seed: int, device: str) -> dict[str, Any] | None:
    """Count one drawn scene with the bundled model, if there is one, and draw what it sees.

    Args:
        folder: Where ``bundled.png`` is written.
        seed: Seed of the scene.
        device: Where to compute.

    Returns:
        Who counted, how many there are, how many were counted, the interval, what is unusual, the picture.
    """
    if not list_weights():
        return None
    opened = open_model()
    sample = SyntheticCrowd(1, size=_SIZE, people=_PEOPLE, seed=seed, split="test")[0]
    counter = Counter(opened.model, calibration=opened.calibration, device=device)
    seen = counter.count(sample.image)
    picture = seen.save(folder / "bundled.png")
    return {
        "model": opened.title,
        "people": len(sample.points),
        "count": seen.count,
        "interval": seen.interval,
        "unusual": list(seen.unusual),
        "picture": str(picture),
    }


def told(found: dict[str, Any]) -> str:
    """Say in words what :func:`count_a_scene` found."""
    between = "" if found["interval"] is None else " ({:.0f} to {:.0f})".format(*found["interval"])
    text = (
        f"The bundled {found['model']}, which has learned from photographs, counts {found['count']:.0f}{between} in a "
        f"drawn scene of {found['people']}: {found['picture']}"
    )
    return (
        f"{text}\nIt says that this is unlike its photographs: {'; '.join(found['unusual'])}"
        if found["unusual"]
        else text
    )
