"""Frames with their times, from files, streams and cameras, and back to files. PyAV loads when one is opened."""

from crowdkit.counting.video.annotated import AnnotatedVideo
from crowdkit.counting.video.file import VideoFile
from crowdkit.counting.video.frame import Frame, Video
from crowdkit.counting.video.live import LiveVideo
from crowdkit.counting.video.opening import open_video
from crowdkit.counting.video.writer import VideoWriter

__all__ = ["AnnotatedVideo", "Frame", "LiveVideo", "Video", "VideoFile", "VideoWriter", "open_video"]
