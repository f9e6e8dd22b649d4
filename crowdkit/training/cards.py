"""The card of trained weights as a page to read: its figures, in Markdown."""

from typing import Any

from crowdkit.calibration import Calibration, markdown_table
from crowdkit.models import WeightsCard

_METRICS = {
    "mae": ("MAE", 2),
    "rmse": ("RMSE", 2),
    "nae": ("NAE", 3),
    "game1": ("GAME(1)", 2),
    "game2": ("GAME(2)", 2),
    "game3": ("GAME(3)", 2),
    "ssim": ("SSIM", 3),
    "psnr": ("PSNR, dB", 2),
    "background_ratio": ("background ratio", 3),
    "mae_of_the_mean": ("MAE of the training mean", 2),
}
_WORST = 5


def card_text(card: WeightsCard) -> str:
    """Lay out what a card says.

    Args:
        card: The card.

    Returns:
        Markdown: the file and its training, figures, interval, bounds, worst images.
    """
    parts = [_file(card), _data(card), _figures(card)]
    if card.calibration:
        calibration = Calibration.from_dict(card.calibration)
        parts += [_interval(calibration), _bounds(calibration), _worst(calibration)]
    return "\n\n".join([*parts, *([card.notes] if card.notes else [])])


def _file(card: WeightsCard) -> str:
    versions = ", ".join(f"{key} {value}" for key, value in card.versions.items() if value is not None)
    rows = [
        ("file", f"`{card.file}`, {card.bytes / 1e6:.2f} MB, in half precision"),
        ("SHA-256", f"`{card.sha256}`"),
        ("model", f"`{card.model}`"),
        ("encoder", card.encoder),
        ("seed", str(card.seed)),
        ("trained with", versions or "unknown versions"),
    ]
    return markdown_table(("", card.name), rows)


def _data(card: WeightsCard) -> str:
    columns = ("learned from", "images", "people", "held out", "terms")
    keys = ("dataset", "images", "people", "held_out", "terms")
    return markdown_table(columns, [tuple(str(each[key]) for key in keys) for each in card.data])


def _figures(card: WeightsCard) -> str:
    columns = (
        "on held-out images",
        *(f"{each['dataset']} ({each['images']}, {each['people']} people)" for each in card.validation),
    )
    rows = [
        (label, *(_number(each.get(key), digits) for each in card.validation))
        for key, (label, digits) in _METRICS.items()
    ]
    if any("mae_interval" in each for each in card.validation):
        spreads = (" to ".join(_number(end, 2) for end in each["mae_interval"]) for each in card.validation)
        rows.insert(1, ("MAE, 90 % bootstrap interval", *spreads))
    return markdown_table(columns, rows)


def _interval(calibration: Calibration) -> str:
    interval = calibration.interval
    scale = f"(e + 5)^{interval.power:g}"
    text = (
        f"An estimate e has the interval e {interval.lower:+.3f} {scale} to e {interval.upper:+.3f} {scale}, fitted on "
        f"{interval.images} held-out images for a coverage of {interval.coverage:.0%}. Fitted on random halves of them "
        "and tried on the other halves, a thousand times (mean and standard deviation of the share of images inside; "
        "median width):"
    )
    return f"{text}\n\n{calibration.coverage_table()}"


def _bounds(calibration: Calibration) -> str:
    domain = calibration.domain
    rows = [
        (name, *("" if end is None else f"{end:.3f}" for end in bound))
        for name, bound in domain.bounds.items()
    ]
    text = (
        f"Bounds from {domain.images} training images, for at most {domain.share:.0%} of images like them outside; "
        f"of the {len(calibration.held_out)} held-out images {calibration.outside} are:"
    )
    return f"{text}\n\n{markdown_table(('trait', 'least', 'most'), rows)}"


def _worst(calibration: Calibration) -> str:
    images = sorted(
        calibration.held_out,
        key=lambda each: abs(each.estimate - each.people) / (each.people + 5),
        reverse=True,
    )
    rows = [(each.name, str(each.people), f"{each.estimate:.0f}") for each in images[:_WORST]]
    table = markdown_table(("image", "people", "estimate"), rows)
    return f"The held-out images that are counted worst, by the relative error:\n\n{table}"


def _number(value: Any, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
