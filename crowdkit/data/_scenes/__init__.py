"""Drawing procedural crowd scenes: camera, people, clutter, backdrop. Used by ``SyntheticCrowd`` and ``WalkingCrowd``.

Every choice comes from a ``random.Random`` that belongs to the scene; no global generator and no font is read.
"""

from crowdkit.data._scenes.camera import Camera, Person, in_sight, place_people
from crowdkit.data._scenes.people import Gait
from crowdkit.data._scenes.render import render
from crowdkit.data._scenes.stage import Stage

__all__ = ["Camera", "Gait", "Person", "Stage", "in_sight", "place_people", "render"]
