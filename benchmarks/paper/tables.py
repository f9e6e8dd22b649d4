"""The paper's eleven tables and two of ours: what each row trains, and its published figures.

Figures are quoted from Rong and Li, *Coarse- and Fine-grained Attention Network with Background-aware Loss for Crowd
Density Map Estimation*, WACV 2021; they are on the test splits. Rows without an experiment are quoted only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

A, B, QNRF, UCF, MALL = "shanghaitech_a", "shanghaitech_b", "ucf_qnrf", "ucf_cc_50", "mall"
HEADINGS = {A: "part A", B: "part B", QNRF: "UCF-QNRF", UCF: "UCF_CC_50", MALL: "Mall"}
ERRORS = ("mae", "rmse")


@dataclass(frozen=True)
class Experiment:
    """A model and a loss; the table and the user define the data and the budget."""

    model: str
    loss: str
    options: dict[str, Any] = field(default_factory=dict)
    loss_options: dict[str, Any] = field(default_factory=dict)
    also: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row of a table: ``published`` holds the paper's figure of every column, None where it has none."""

    label: str
    published: tuple[float | None, ...] = ()
    experiment: Experiment | None = None


@dataclass(frozen=True)
class Table:
    """A table: the metrics in its columns for each data set; ``other_...`` is measured on the other part.

    ``ours`` marks a table without published figures; ``itself`` is trained on its own data set whatever the budget.
    """

    number: int
    title: str
    datasets: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    ours: bool = False
    itself: bool = False

    def columns(self) -> Iterator[tuple[str, str]]:
        """Return (data set, metric) of each column."""
        for dataset in self.datasets:
            for metric in self.metrics:
                yield dataset, metric


# The experiment of each published row. The originals' squared errors are sums over a map at the network's stride; the
# mean of maps x 1000 has the same minimum, and a gradient well above Adam's epsilon.
MSE = ("mse", {"expansion": 1000.0})
COUNTED = {"relative_count": 0.1}
COARSE = {"scales": 5}
# Constants large beside the squared scale of the maps, and a background term scaled down as SL then is.
SOFT = {**COARSE, "c1": 0.1, "c2": 0.3, "background_weight": 0.01}
PRINTED = {"c1": 0.01, "c2": 0.03}
BY_50 = {"expansion": 50.0}  # section 4.2, for losses without their own factor


def with_mse(model: str) -> Experiment:
    return Experiment(model, MSE[0], loss_options=MSE[1])


def graduated(model: str, **loss_options: Any) -> Experiment:
    return Experiment(model, "graduated_bsl", loss_options=loss_options)


def cfanet(
    loss: str = "bsl",
    loss_options: dict[str, Any] | None = None,
    also: dict[str, float] | None = None,
    **options: Any,
) -> Experiment:
    return Experiment("cfanet", loss, options, loss_options or {}, also or {})


CSRNET, CAN = with_mse("csrnet"), with_mse("can")
SANET = Experiment("sanet", "sanet", loss_options=BY_50)
BAYESIAN = Experiment("vgg19_bl", "bayesian")
SFCN = with_mse("sfcn_resnet101")
OURS = cfanet()

TABLES = (
    Table(
        1,
        "ShanghaiTech",
        (A, B),
        ERRORS,
        (
            Row("CSRNet", (68.2, 115.0, 10.6, 16.0), CSRNET),
            Row("SANet", (67.0, 104.5, 8.4, 13.6), SANET),
            Row("TEDNet", (64.2, 109.1, 8.2, 12.8)),
            Row("ADCrowdNet", (63.2, 98.9, 7.7, 12.9)),
            Row("AT-CSRNet", (None, None, 8.1, 13.5)),
            Row("CAN", (62.3, 100.0, 7.8, 12.2), CAN),
            Row("Bayesian loss", (62.8, 101.8, 7.7, 12.7), BAYESIAN),
            Row("DSSINet", (60.6, 96.0, 6.9, 10.3)),
            Row("RANet", (59.4, 102.0, 7.9, 12.9)),
            Row("S-DCNet", (58.3, 95.0, 6.7, 10.7)),
            Row("PGCNet", (57.0, 86.0, 8.8, 13.7)),
            Row("CFANet", (56.1, 89.6, 6.5, 10.2), OURS),
        ),
    ),
    Table(
        2,
        "UCF_CC_50",
        (UCF,),
        ERRORS,
        (
            Row("CSRNet", (266.1, 397.5), CSRNET),
            Row("ADCrowdNet", (257.1, 363.5)),
            Row("CAN", (212.2, 243.7), CAN),
            Row("PGCNet", (244.6, 361.2)),
            Row("Bayesian loss", (229.3, 308.2), BAYESIAN),
            Row("SANet", (258.4, 334.9), SANET),
            Row("TEDNet", (249.4, 354.5)),
            Row("DSSINet", (216.9, 302.4)),
            Row("RANet", (239.8, 319.4)),
            Row("S-DCNet", (204.2, 301.3)),
            Row("CFANet", (203.6, 287.3), OURS),
        ),
        note="Five folds; a figure is the mean over the images held out by each.",
    ),
    Table(
        3,
        "UCF-QNRF",
        (QNRF,),
        ERRORS,
        (
            Row("CAN", (107, 183), CAN),
            Row("TEDNet", (113, 188)),
            Row("RANet", (111, 190)),
            Row("S-DCNet", (104.4, 176.1)),
            Row("SFCN", (102.0, 171.4), SFCN),
            Row("DSSINet", (99.1, 159.2)),
            Row("MBTTBF-SFCB", (97.5, 165.2)),
            Row("Bayesian loss", (88.7, 154.8), BAYESIAN),
            Row("CFANet", (89.0, 152.3), OURS),
        ),
    ),
    Table(
        4,
        "Mall",
        (MALL,),
        ERRORS,
        (
            Row("ConvLSTM", (2.10, 7.6)),
            Row("DRSAN", (1.73, 2.1)),
            Row("DecideNet", (1.52, 1.90)),
            Row("AT-CFCN", (2.28, 2.90)),
            Row("E3D", (1.64, 2.13)),
            Row("SAAN", (1.28, 1.68)),
            Row("CFANet", (1.20, 1.56), OURS),
        ),
    ),
    Table(
        5,
        "Quality of density maps",
        (A,),
        ("ssim", "psnr"),
        (
            Row("MCNN", (0.52, 21.40), with_mse("mcnn")),
            Row("CSRNet", (0.76, 23.79), CSRNET),
            Row("ADCrowdNet", (0.88, 24.48)),
            Row("TEDNet", (0.83, 25.88)),
            Row("CFANet", (0.88, 30.11), OURS),
        ),
        note="Ours: at full resolution, maps per image over the larger of their two maxima, PSNR = 10 log10(1 / MSE), "
        "SSIM with window 11, sigma 1.5, C 1e-4 and 9e-4 (the CFANet authors' protocol). The paper names no protocol, "
        "and its rows above come from papers with others.",
    ),
    Table(
        6,
        "Share of the estimate on background",
        (A, B),
        ("background_ratio",),
        (
            Row("MCNN", (None, None), with_mse("mcnn")),
            Row("CSRNet", (0.0381, 0.0857), CSRNET),
            Row("CAN", (0.0283, 0.0359), CAN),
            Row(
                "CFANet without the background term",
                (0.0205, 0.0245),
                cfanet(loss_options={"background_weight": 0.0}),
            ),
            Row("CFANet", (0.0184, 0.0219), OURS),
        ),
        note="Per image, then the mean over images.",
    ),
    Table(
        7,
        "CRR and DLE",
        (A,),
        ERRORS,
        (
            Row("neither", (63.7, 102.9), cfanet(crr=False, dle=False)),
            Row("CRR", (56.9, 91.8), cfanet(dle=False)),
            Row("DLE", (60.2, 99.4), cfanet(crr=False)),
            Row("CRR and DLE", (56.1, 89.6), OURS),
        ),
    ),
    Table(
        8,
        "Supervised stages",
        (A,),
        ERRORS,
        (
            Row("4", (69.5, 109.1), cfanet(supervision=[4])),
            Row("3 and 4", (64.6, 106.3), cfanet(supervision=[3, 4])),
            Row("2 to 4", (62.0, 97.1), cfanet(supervision=[2, 3, 4])),
            Row("1 to 4", (56.1, 89.6), OURS),
        ),
    ),
    Table(
        9,
        "Number of density levels",
        (A,),
        ERRORS,
        (
            Row("4", (56.9, 91.3), cfanet(levels=4)),
            Row("6", (56.1, 89.6), OURS),
            Row("8", (57.4, 91.7), cfanet(levels=8)),
            Row("10", (57.9, 92.9), cfanet(levels=10)),
        ),
    ),
    Table(
        10,
        "Losses",
        (A, QNRF),
        ERRORS,
        (
            Row("MSE", (63.6, 104.5, 101.9, 170.4), cfanet(*MSE)),
            Row("L_SA + L_SC", (64.2, 109.1, 113.0, 188.0), cfanet("tednet", BY_50)),
            Row("L_C", (65.2, 107.7, 101.3, 174.2), cfanet("dsnet")),
            Row("MSE + MAE", (59.7, 98.2, 99.4, 164.8), cfanet("mse_mae")),
            Row("L_Bayes+", (66.4, 113.9, 97.2, 160.6), cfanet("bayesian")),
            Row("L_SSIM", (64.9, 107.4, 108.8, 179.5), cfanet("sanet", BY_50)),
            Row("L_DS", (60.6, 96.0, 99.1, 159.2), cfanet("dms_ssim")),
            Row("BSL", (56.1, 89.6, 89.0, 152.3), OURS),
        ),
        note="In print, L_SA + L_SC and L_DS repeat the figures of TEDNet and DSSINet (tables 1 and 3).",
    ),
    Table(
        11,
        "BSL against MSE",
        (A,),
        ERRORS,
        (
            Row("MCNN, MSE", (110.2, 173.2), with_mse("mcnn")),
            Row("MCNN, BSL", (88.2, 140.5), Experiment("mcnn", "bsl")),
            Row("MCNN, graduated BSL without the count", (None, None), graduated("mcnn", count_weight=0.0)),
            Row("MCNN, graduated BSL", (None, None), graduated("mcnn")),
            Row("CSRNet, MSE", (68.2, 115.0), CSRNET),
            Row("CSRNet, BSL", (63.1, 102.5), Experiment("csrnet", "bsl")),
            Row("CSRNet, graduated BSL", (None, None), graduated("csrnet")),
            Row("CAN, MSE", (62.3, 100.0), CAN),
            Row("CAN, BSL", (59.0, 90.1), Experiment("can", "bsl")),
            Row("CAN, graduated BSL", (None, None), graduated("can")),
            Row("CFANet, MSE", (63.6, 104.5), cfanet(*MSE)),
            Row("CFANet, BSL", (56.1, 89.6), OURS),
            Row("CFANet, graduated BSL", (None, None), graduated("cfanet")),
        ),
        note="Graduated BSL is ours. The paper has no rows of CFANet here; their figures are table 10's.",
    ),
    Table(
        12,
        "Settings of BSL",
        (A,),
        ("mae", "rmse", "background_ratio", "other_mae"),
        (
            Row("MSE", experiment=cfanet(*MSE)),
            Row("MSE + 0.1 BL", experiment=cfanet(*MSE, also={"background_ratio": 0.1})),
            Row("BSL: 0.01² and 0.03², x 50", experiment=OURS),
            Row("BSL + 0.1 relative count", experiment=cfanet(also=COUNTED)),
            Row("MCNN, MSE", experiment=with_mse("mcnn")),
            Row("MCNN, BSL", experiment=Experiment("mcnn", "bsl")),
            Row("graduated BSL", experiment=graduated("cfanet")),
            Row("MCNN, graduated BSL", experiment=graduated("mcnn")),
            Row("MCNN, graduated BSL without the count", experiment=graduated("mcnn", count_weight=0.0)),
            Row("MCNN, BSL + 0.1 relative count", experiment=Experiment("mcnn", "bsl", also=COUNTED)),
            Row("BSL, 5 scales", experiment=cfanet(loss_options=COARSE)),
            Row("BSL, 5 scales, 0.1 and 0.3, BL x 0.01", experiment=cfanet(loss_options=SOFT)),
            Row(
                "MCNN, BSL, 5 scales, 0.1 and 0.3, BL x 0.01",
                experiment=Experiment("mcnn", "bsl", loss_options=SOFT),
            ),
            Row("BSL: 0.01 and 0.03 (as printed), x 50", experiment=cfanet(loss_options=PRINTED)),
            Row(
                "BSL: 0.01 and 0.03, x 1000",
                experiment=cfanet(loss_options={**PRINTED, "expansion": 1000.0}),
            ),
        ),
        note="Not a table of the paper. The last column is on validation images of the part that was not trained on.",
        ours=True,
    ),
    Table(
        13,
        "Trained on part A",
        (A,),
        (
            "mae",
            "game3",
            "ssim",
            "background_ratio",
            "other_mae",
            "other_rmse",
            "other_game3",
            "other_ssim",
            "other_background_ratio",
        ),
        (
            Row("MSE", experiment=cfanet(*MSE)),
            Row("MSE + 0.1 BL", experiment=cfanet(*MSE, also={"background_ratio": 0.1})),
            Row("BSL", experiment=OURS),
            Row("BSL, 5 scales", experiment=cfanet(loss_options=COARSE)),
            Row("BSL, 5 scales, 0.1 and 0.3, BL x 0.01", experiment=cfanet(loss_options=SOFT)),
            Row("graduated BSL", experiment=graduated("cfanet")),
            Row("MCNN, MSE", experiment=with_mse("mcnn")),
            Row("MCNN, BSL", experiment=Experiment("mcnn", "bsl")),
            Row("MCNN, graduated BSL", experiment=graduated("mcnn")),
            Row("MCNN, graduated BSL without the count", experiment=graduated("mcnn", count_weight=0.0)),
        ),
        note="Not a table of the paper. The columns on part B are on validation images of it; it was not trained on.",
        ours=True,
        itself=True,
    ),
)


def table(number: int) -> Table:
    """Return a table by its number in the paper."""
    return next(each for each in TABLES if each.number == number)
