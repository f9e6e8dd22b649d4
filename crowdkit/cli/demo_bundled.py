"""The bundled model in the demo: it counts a synthetic scene, which is unlike its training photographs."""

from pathlib import Path
from typing import Any

from crowdkit.counting import Counter, open_model
from crowdkit.data import SyntheticCrowd
from crowdkit.models import list_weights

_SIZE, _PEOPLE = (384, 512), (80, 80)


def count_a_scene(folder: Path, *, seed: int, device: str) -> dict[str, Any] | None:
    """Count one synthetic scene with the bundled model, if there is one, and draw the result.

    Args:
        folder: The folder in which ``bundled.png`` is written.
        seed: Seed of the scene.
        device: The device to compute on.

    Returns:
        The model's name, the true and the estimated count, the interval, the unusual traits, the picture.
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
    """Describe the result of :func:`count_a_scene` in a sentence."""
    between = "" if found["interval"] is None else " ({:.0f} to {:.0f})".format(*found["interval"])
    text = (
        f"The bundled {found['model']}, trained on photographs, counts {found['count']:.0f}{between} in a "
        f"synthetic scene of {found['people']}: {found['picture']}"
    )
    return (
        f"{text}\nIt reports that the scene is unlike its photographs: {'; '.join(found['unusual'])}"
        if found["unusual"]
        else text
    )
