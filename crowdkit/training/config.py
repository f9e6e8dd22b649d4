"""The configuration of a training run: a frozen tree whose defaults are the paper's recipe.

All but one: the encoder starts from random weights, since nothing is downloaded unless it is asked for. The paper's
starts from ImageNet's: ``model.options.encoder_weights``.
"""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """One data set, its validation images, and its part in a training.

    Attributes:
        dataset: A name of :func:`~crowdkit.data.list_datasets`; ``"folder"`` is images with point files, and
            ``"folder"`` with the option ``missing = "empty"`` images without people.
        root: The data set's folder; inside ``sets`` it is relative to ``data.root``.
        part: ShanghaiTech's part, ``"A"`` or ``"B"``, or ``"AB"`` for both, each with its own sigma rule and
            validation images.
        options: Other keywords of the data set's class (:func:`~crowdkit.data.dataset_class`), for example
            ``length``, ``size``, ``people`` and ``seed`` of :class:`~crowdkit.data.SyntheticCrowd`, ``fold`` of
            :class:`~crowdkit.data.UCFCC50` or ``resize`` of :class:`~crowdkit.data.UCFQNRF`.
        sigma: Spread of a head in the true density maps: ``"auto"`` (the data set's own rule), the name of a
            rule, or a number of pixels. Heads annotated as boxes keep the spread of their boxes.
        val_fraction: Share of the training images kept aside for validation, where the data set has no
            validation images of its own (JHU-Crowd++ and NWPU-Crowd have).
        val_seed: Seed that draws them; without one, every ``1 / val_fraction``-th by sorted number.
        exclude: Names of images that are neither trained on nor validated on, such as those that another data
            set tests on.
        share: Share of the training crops that are cut from this data set, relative to the other sets' shares;
            without one, every image is cropped once per epoch. All sets have one, or none has.
        weight: Weight of its validation error in the choice of the best epoch.
    """

    dataset: Literal[
        "shanghaitech",
        "ucf_cc_50",
        "ucf_qnrf",
        "mall",
        "jhu_crowd",
        "nwpu_crowd",
        "scut_head",
        "beijing_brt",
        "folder",
        "synthetic",
    ] = "shanghaitech"
    root: str = ""
    part: str = "A"
    options: dict[str, Any] = field(default_factory=dict)
    sigma: float | str = "auto"
    val_fraction: float = 0.1
    val_seed: int | None = None
    exclude: tuple[str, ...] = ()
    share: float | None = None
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class DataConfig(SourceConfig):
    """Which images, and how a training crop is cut from them.

    The data set is the one named here, or several in ``sets``.

    Attributes:
        sets: Several data sets to train and validate on, each split and reported by itself; what is said of a
            single data set above then holds for none of them, but ``root`` is the folder that holds theirs.
        epoch_crops: Crops per epoch of data sets with shares; as many as there are images when ``None``.
        short_side_min: Enlarge images, in training and validation, whose short side is below this.
        long_side_max: Shrink images, in training and validation, whose long side is above this.
        crop: Size of a training crop: a fraction of both sides, or ``[height, width]``; 1 for whole images.
        scale: Smallest and largest magnification of a training crop, drawn evenly by its logarithm;
            ``crop`` is then ``[height, width]``.
        flip: Probability of a horizontal flip.
        augment: Changes to the picture of a training crop and their probabilities, as
            ``{"gray": 0.1, "jpeg": 0.3}``; the names are those of
            :func:`~crowdkit.data.list_photometric`.
        empty_scenes: Share of the training crops that show nobody: headless windows of the training images and
            synthetic clutter. Held-out ones are counted at every validation. ``crop`` is then
            ``[height, width]``.
    """

    sets: tuple[SourceConfig, ...] = ()
    epoch_crops: int | None = None
    short_side_min: int | None = None
    long_side_max: int | None = None
    crop: float | tuple[int, int] = 0.5
    scale: tuple[float, float] | None = None
    flip: float = 0.5
    augment: dict[str, float] = field(default_factory=dict)
    empty_scenes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which network.

    Attributes:
        name: A name that :func:`~crowdkit.models.create_model` knows.
        options: Its keywords, for example ``levels``, ``crr``, ``dle``, and ``encoder_weights``, without which the
            encoder starts from random weights; the paper's starts from ImageNet's.
    """

    name: str = "cfanet"
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Which density loss; the attention losses follow the network.

    Attributes:
        name: A name that :func:`~crowdkit.losses.create_loss` knows.
        options: Its keywords, for example ``expansion``, ``c1``, ``background_weight``. ``stride`` is the
            model's unless it is given.
        also: More losses by name, with the weights at which they are added, as ``{"relative_count": 0.1}``, or
            with their keywords, as ``{"relative_count": {"weight": 1.0, "minimum": 50.0}}``.
        blocks: Keywords of :func:`~crowdkit.losses.zero_inflated_poisson_loss` for a model that counts blocks, but
            ``bins``, which are the model's, and its ``weight``.
    """

    name: str = "bsl"
    options: dict[str, Any] = field(default_factory=dict)
    also: dict[str, float | dict[str, Any]] = field(default_factory=dict)
    blocks: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """How the weights move.

    Attributes:
        name: ``"adam"`` or ``"adamw"``.
        lr: Learning rate at its highest.
        weight_decay: Weight decay (none on biases and norms).
        schedule: ``"halve"`` (at every fifth of the training), ``"cosine"`` or ``"constant"``.
        warmup: Fraction of the training over which the rate rises from 0.
        clip_norm: Largest norm of the gradient; 0 for no limit.
        ema_decay: Decay of the moving average of the weights that is validated and saved; 0 for none.
    """

    name: Literal["adam", "adamw"] = "adam"
    lr: float = 2e-5
    weight_decay: float = 0.0
    schedule: Literal["halve", "cosine", "constant"] = "halve"
    warmup: float = 0.0
    clip_norm: float = 0.0
    ema_decay: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How long, where and how precisely.

    Attributes:
        folder: Where the run is written: ``config.toml``, ``metrics.jsonl``, ``last.pt`` and ``best/``.
        epochs: Passes over the training images; every schedule is a fraction of them.
        batch_size: Images a step, on each process.
        workers: Processes that load images, on each process; they change nothing but the speed.
        keep_images: Keep decoded training images in memory, as bytes, in each process that loads them; it changes
            nothing but the speed.
        seed: Seed of the weights, the order and the augmentation.
        device: ``"auto"`` (a GPU if there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...
        precision: ``"float32"``, or autocast to ``"bfloat16"`` or ``"float16"``.
        channels_last: Use the channels-last memory format.
        compile: Compile the network with ``torch.compile``.
        validate_every: Epochs between two validations; 0.25 for four in an epoch.
        checkpoint_every: Seconds between two checkpoints, besides the one at the end of every epoch.
        time_limit: Seconds after which to stop, resumably.
    """

    folder: str = "runs/train"
    epochs: int = 500
    batch_size: int = 1
    workers: int = 0
    keep_images: bool = False
    seed: int = 0
    device: str = "auto"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = False
    compile: bool = False
    validate_every: float = 1.0
    checkpoint_every: float = 60.0
    time_limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything :func:`~crowdkit.training.train` needs to know.

    Read one from a file with :func:`~crowdkit.training.load_config`.

    Attributes:
        data: The images.
        model: The network.
        loss: The density loss.
        optim: The optimizer.
        run: Length, place and precision.

    Examples:
        >>> config = TrainConfig(data=DataConfig(root="data/ShanghaiTech", part="B"))
        >>> config.optim.lr, config.run.epochs
        (2e-05, 500)
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    run: RunConfig = field(default_factory=RunConfig)
