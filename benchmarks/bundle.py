"""Bundle a run's best model with its card, and write the card into a page of the docs.

    python benchmarks/bundle.py runs/shanghaitech_lite --name shanghaitech --root DATA/ShanghaiTech
    python benchmarks/bundle.py runs/a --name cfanet_a --root DATA/ShanghaiTech --out weights --page ""

Writes NAME.safetensors and NAME.json where the package finds them (crowdkit/models/bundled), and the figures between
the marks of docs/model-card.md. It counts all training and validation images once; no test image is read. The same run
gives the same files.
"""

import argparse
from pathlib import Path

from crowdkit.models import BUNDLED, list_weights, weights_card
from crowdkit.training import bundle, card_text

BEGIN, END = "<!-- card: written by benchmarks/bundle.py -->", "<!-- end of the card -->"
NONE = "No trained weights are bundled with this version."
PAGE = Path(__file__).parent.parent / "docs" / "model-card.md"


def main(argv: list[str] | None = None) -> str:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument("--name", required=True, help="the name of the weights")
    parser.add_argument("--root", type=Path, help="the folder of the run's data, if it has moved")
    parser.add_argument("--out", type=Path, default=BUNDLED, help="a folder (the package's own)")
    parser.add_argument("--page", default=str(PAGE), help="the page that shows the card; empty for none")
    parser.add_argument("--notes", default="", help="further notes for the reader")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args(argv)
    card = bundle(
        args.run,
        args.out,
        name=args.name,
        root=args.root,
        notes=args.notes,
        device=args.device,
        progress=True,
    )
    text = card_text(card)
    print(text)
    if args.page:
        page = Path(args.page)
        page.write_text(with_card(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    return text


def with_card(page: str, text: str) -> str:
    """Insert a card between the markers of a page."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def shown() -> str:
    """Return the text that the page of the docs must show."""
    names = list_weights()
    return "\n\n".join(card_text(weights_card(name)) for name in names) if names else NONE


if __name__ == "__main__":
    main()
