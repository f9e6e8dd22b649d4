"""Drawing procedural crowd scenes: camera, people, clutter, backdrop. Used by ``SyntheticCrowd`` and ``WalkingCrowd``.

Every choice comes from a ``random.Random`` of the scene's own; nothing reads a global generator or a font.
"""

from crowdkit.data._scenes.camera import Camera, Person, in_sight, place_people
from crowdkit.data._scenes.people import Gait
from crowdkit.data._scenes.render import render
from crowdkit.data._scenes.stage import Stage

__all__ = ["Camera", "Gait", "Person", "Stage", "in_sight", "place_people", "render"]
