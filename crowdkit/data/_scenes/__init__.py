"""Procedural crowd scenes: camera, people, clutter, backdrop. Used only by ``SyntheticCrowd``.

Every choice comes from a ``random.Random`` that belongs to the scene; no global generator and no font is read.
"""

from crowdkit.data._scenes.camera import Camera, Person, place_people
from crowdkit.data._scenes.render import render

__all__ = ["Camera", "Person", "place_people", "render"]
