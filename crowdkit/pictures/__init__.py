"""Pictures of maps: colors, overlays, labeled grids. No matplotlib; Pillow only inside its functions."""

from crowdkit import _guard as _guard
from crowdkit.pictures.attention import attention_sheet
from crowdkit.pictures.color import color_map, overlay
from crowdkit.pictures.files import save_image, to_pil
from crowdkit.pictures.frame import annotate_frame
from crowdkit.pictures.marks import draw_points, draw_zones
from crowdkit.pictures.plot import plot_counts, round_up as round_up
from crowdkit.pictures.sheet import label, sheet

__all__ = [
    "annotate_frame",
    "attention_sheet",
    "color_map",
    "draw_points",
    "draw_zones",
    "label",
    "overlay",
    "plot_counts",
    "save_image",
    "sheet",
    "to_pil",
]
