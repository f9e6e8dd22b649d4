"""Drawing procedural crowd scenes: camera, people, clutter, backdrop. Used by ``SyntheticCrowd`` alone.

Every choice comes from a ``random.Random`` of the scene's own; nothing reads a global generator or a font.
"""

from crowdkit.data._scenes.camera import Camera, Person, place_people
from crowdkit.data._scenes.render import render

__all__ = ["Camera", "Person", "place_people", "render"]
