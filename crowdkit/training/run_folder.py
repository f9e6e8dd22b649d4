"""The folder of a run: what is kept in it, who may write there, and what a run goes on from."""

import logging
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import IO, Any

from crowdkit.errors import ConfigError, DataError
from crowdkit.models import CrowdModel
from crowdkit.runtime import launch_command, rank
from crowdkit.training.checkpoint import load_checkpoint, older, save_checkpoint
from crowdkit.training.config import TrainConfig
from crowdkit.training.config_io import config_differences, config_from_dict, config_to_toml, load_config
from crowdkit.training.writing import naming, replacing

# What may change between two parts of one run: it moves the files or the work, not the result.
_FREE = (
    "data.root",
    "run.folder",
    "run.workers",
    "run.keep_images",
    "run.device",
    "run.compile",
    "run.channels_last",
    "run.validate_every",
    "run.checkpoint_every",
    "run.time_limit",
)
_LOCK = ".lock"
_LOG = logging.getLogger(__name__)


class RunFolder:
    """``config.toml``, ``last.pt`` and ``best/`` of a run, and the lock that lets one training write them.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.last = self.path / "last.pt"
        self.best = self.path / "best"
        self._lock: IO[bytes] | None = None

    @property
    def resume_command(self) -> str:
        """The command line that goes on with the run, with as many processes as there are."""
        return launch_command(f"train --run-folder {shlex.quote(str(self.path))} --resume")

    def lock(self) -> None:
        """Take the folder for this training, until :meth:`unlock` or the end of the process.

        Raises:
            ConfigError: If another training has it.
        """
        if self._lock is not None:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        file = (self.path / _LOCK).open("ab")
        try:
            _lock_file(file)
        except (BlockingIOError, PermissionError) as error:
            file.close()
            raise ConfigError(
                f"run.folder: expected a folder that no other training writes, got {self.path}; wait until that one "
                "ends, or name another folder with --run-folder"
            ) from error
        except OSError as error:  # some network file systems have no locks
            _LOG.warning(
                "warning: %s cannot be locked (%s); start no second training", self.path, error.strerror
            )
        self._lock = file

    def unlock(self) -> None:
        """Let go of the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check_new(self) -> None:
        """Raise :class:`~crowdkit.errors.ConfigError` if the folder holds anything."""
        if self.path.exists() and any(not _is_trifle(each) for each in self.path.iterdir()):
            raise ConfigError(
                f"run.folder: expected a new or empty folder, got {self.path} which holds files; resume the run "
                "with --resume or name another folder with --run-folder"
            )

    def write_config(self, config: TrainConfig) -> None:
        """Write ``config.toml``.

        Args:
            config: The configuration.
        """
        with replacing(self.path / "config.toml") as temporary:
            temporary.write_text(config_to_toml(config), encoding="utf-8")

    def check_resumable(self) -> None:
        """Raise :class:`~crowdkit.errors.ConfigError` if the folder holds no run."""
        if not any(each.is_file() for each in (self.last, older(self.last), self.path / "config.toml")):
            raise ConfigError(
                f"run.folder: expected a run to resume (a folder with last.pt or config.toml), got {self.path}; start "
                "one without --resume"
            )

    def previous(self, config: TrainConfig, *, world: int) -> dict[str, Any] | None:
        """Read what the run goes on from.

        Args:
            config: The configuration to go on with.
            world: The number of processes.

        Returns:
            The last whole checkpoint; ``None`` if the run was killed before its first.

        Raises:
            ConfigError: If the configuration or the number of processes changes the result.
            DataError: If there are checkpoints and none is whole.
        """
        self.check_resumable()
        if not self.last.exists() and not older(self.last).exists():
            self._check_same(load_config(self.path / "config.toml"), config)
            return None
        state = self._whole_checkpoint()
        self._check_same(config_from_dict(state["config"]), config)
        if state["world"] != world:
            raise ConfigError(
                f"processes: expected {state['world']} as when the run began, got {world}; the batches would differ"
            )
        return state

    def save_last(self, state: dict[str, Any]) -> None:
        """Write ``last.pt``; the one before it stays as ``last.old.pt``.

        Args:
            state: Everything to go on from.
        """
        save_checkpoint(self.last, state)

    def save_best(self, model: CrowdModel) -> None:
        """Write the model to ``best/``, which is a whole model at every moment from the first on.

        Args:
            model: The model that is validated. Its configuration is the same all through a run.
        """
        from safetensors import SafetensorError

        whole = (self.best / "config.json").is_file()
        target = self.best if whole else self.path / "best.new"
        # Whatever else lies there, such as a calibration, is of other weights.
        for other in target.glob("*") if target.exists() else ():
            if other.name not in ("config.json", "model.safetensors"):
                other.unlink() if other.is_file() else shutil.rmtree(other)
        try:
            with naming(self.best / "model.safetensors"):
                model.save(target)
        except SafetensorError as error:
            number = re.search(r"os error (\d+)", str(error))
            reason = os.strerror(int(number[1])) if number else str(error)
            raise OSError(
                int(number[1]) if number else None, reason, str(self.best / "model.safetensors")
            ) from error
        finally:
            for part in target.glob("*.part"):
                part.unlink()
        if not whole:
            target.rename(self.best)

    def _whole_checkpoint(self) -> dict[str, Any]:
        try:
            return load_checkpoint(self.last)
        except DataError as error:
            if not older(self.last).is_file():
                raise
            state = load_checkpoint(older(self.last))
            if self.last.exists() and rank() == 0:
                _LOG.warning("warning: %s; going on from the one before it", error)
            return state

    def _check_same(self, before: TrainConfig, config: TrainConfig) -> None:
        differences = [
            each for each in config_differences(before, config) if each.partition(":")[0] not in _FREE
        ]
        if differences:
            raise ConfigError(
                f"config: expected the configuration of the run in {self.path}, got a different one: "
                f"{'; '.join(differences)}; undo the changes or start a new run"
            )


def _is_trifle(path: Path) -> bool:
    """Whether a training leaves this that was killed before it began."""
    return path.name == _LOCK or path.name == "config.toml.tmp"


def _lock_file(file: IO[bytes]) -> None:
    # A lock of the process, not of the open file: loading processes, which outlive a kill by seconds, have no part.
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
