"""What may be counted, and what is said of everything else."""

import io
import os
import pickle
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from crowdkit.counting import Counter, Unreadable, fetch, list_sources
from crowdkit.counting.kinds import recognize
from crowdkit.errors import DataError, DTypeError, ShapeError
from crowdkit.models import CrowdModel
from crowdkit.prediction import Prediction

SIZE = (24, 32)


class Light(CrowdModel):
    name, stride = "light", 4

    def forward(self, images):
        return Prediction(nn.functional.avg_pool2d(images.mean(dim=1, keepdim=True), 4, ceil_mode=True))


@pytest.fixture
def counter():
    return Counter(Light(), device="cpu", readers=0)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


@pytest.fixture
def photo(tmp_path, pixels):
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def web(photo):
    """A server of the photograph, of a page, of too much, of what never ends, and of redirects."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            place = self.path.split("?")[0]
            if place in ("/loop", "/file", "/ftp", "/moved"):
                targets = {"/loop": "/loop", "/file": f"file://{photo}", "/ftp": "ftp://127.0.0.1/a.png"}
                self.send_response(302)
                self.send_header("Location", targets.get(place, "/photo.png"))
                self.end_headers()
                return
            if place == "/none":
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            if place == "/slow":
                for _ in range(50):
                    self.wfile.write(b"\x89")
                    self.wfile.flush()
                    time.sleep(0.05)
                return
            page = b"<!DOCTYPE html><html><body>photographs</body></html>"
            self.wfile.write(photo.read_bytes() if place == "/photo.png" else page)

        def log_message(self, *_):
            pass

        def handle(self):
            with suppress(OSError):  # whoever asked has hung up
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_photograph_counts_the_same_however_it_is_handed_over(counter, photo, pixels, web):
    chw = torch.from_numpy(pixels).permute(2, 0, 1)
    handed = {
        "path": photo,
        "text": str(photo),
        "bytes": photo.read_bytes(),
        "bytearray": bytearray(photo.read_bytes()),
        "stream": io.BytesIO(photo.read_bytes()),
        "pillow": Image.fromarray(pixels),
        "array": pixels,
        "floats": pixels / 255,
        "half": (pixels / 255).astype(np.float32),
        "tensor": chw / 255,
        "double": chw.double() / 255,
        "whole numbers": chw,
        "address": f"{web}/photo.png",
        "redirect": f"{web}/moved?size=1",
    }
    found = {name: counter.count(each) for name, each in handed.items()}
    with photo.open("rb") as file:
        found["file"] = counter.count(file)
    assert {seen.size for seen in found.values()} == {SIZE}
    for name, seen in found.items():
        assert seen.count == pytest.approx(found["path"].count, rel=1e-6), name
    sources = {name: seen.source for name, seen in found.items()}
    assert sources["path"] == sources["text"] == sources["file"] == str(photo)
    assert (sources["address"], sources["bytes"], sources["pillow"]) == (f"{web}/photo.png", "bytes", "image")
    assert (found["text"].path, found["address"].path) == (photo, None)


def test_gray_and_sixteen_bits_and_a_turned_photograph(counter, pixels):
    gray = pixels[..., 0]
    exact = counter.count(gray).count
    for each in (gray / 255, gray.astype(np.uint16) * 257, Image.fromarray(gray), np.dstack([gray] * 3)):
        assert counter.count(each).count == pytest.approx(exact, rel=1e-5)
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = 6
    assert counter.count(turned).size == SIZE[::-1]


def test_floats_that_are_no_image_are_refused(counter, pixels):
    image = torch.from_numpy(pixels).permute(2, 0, 1).float()
    normalized = (image / 255 - 0.45) / 0.22
    for each in (image, normalized, image.permute(1, 2, 0).numpy(), torch.full_like(image, torch.nan)):
        with pytest.raises(DataError, match=r"expected floating-point pixels in \[0, 1\], got"):
            counter.count(each)
    [answer] = counter.stream([image])
    assert answer.reason.startswith("tensor: expected floating-point pixels in [0, 1], got 0 to 255; divide")
    assert counter.count(image / 255 * 1.01 - 0.005).count > 0  # as resampling overshoots


def test_other_shapes_and_numbers_are_refused(counter, pixels):
    for each in (
        pixels[..., :2],
        pixels.transpose(2, 0, 1),
        pixels.transpose(2, 0, 1) / 255,
        np.zeros((0, 3, 3)),
    ):
        with pytest.raises(ShapeError, match=r"\(H, W, 3\) or \(H, W\)|expected pixels"):
            counter.count(each)
    for each in (torch.rand(*SIZE, 3), torch.zeros(*SIZE, 3, dtype=torch.uint8), torch.zeros(3, 0, 4)):
        with pytest.raises(ShapeError, match=r"\(3, H, W\)|expected pixels"):
            counter.count(each)
    for each in (torch.zeros(3, 4, 4, dtype=torch.int64), pixels.astype(np.int64), pixels > 9):
        with pytest.raises(DTypeError, match="expected"):
            counter.count(each)


def test_folders_patterns_lists_and_batches(counter, photo, pixels, tmp_path):
    inside = tmp_path / "more"
    inside.mkdir()
    photo.rename(tmp_path / "b.png")
    Image.fromarray(pixels).save(inside / "c[1].png")
    Image.fromarray(pixels).save(tmp_path / "a.JPG")
    (tmp_path / "back").symlink_to(tmp_path)  # a walk that followed it would never end
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbf# mine\r\nb.png\r\n\r\n  more/c[1].png  \nnone.png\n")

    def names(*given, **options):
        return [each.name for each in list_sources(list(given), **options)]

    assert names(tmp_path) == ["a.JPG", "b.png"]
    assert names(str(tmp_path), recursive=True) == ["a.JPG", "b.png", "c[1].png"]
    assert names(f"{tmp_path}/*.png", inside / "c[1].png") == ["b.png", "c[1].png"]
    assert names(f"{tmp_path}/more/**") == ["c[1].png"]
    assert names(tmp_path / "list.txt") == ["b.png", "c[1].png", "none.png"]
    answers = list(counter.stream([tmp_path / "list.txt", np.stack([pixels] * 2), torch.rand(2, 3, 8, 8)]))
    assert [type(each).__name__ for each in answers] == ["Count", "Count", "Unreadable", *["Count"] * 4]
    for empty in (tmp_path / "nothing*.png", inside / "void"):
        if empty.name == "void":
            empty.mkdir()
        [answer] = counter.stream(empty)
        assert "got none" in answer.reason


def test_what_comes_bit_by_bit_is_counted_bit_by_bit(pixels):
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield pixels

    stream = Counter(Light(), device="cpu", readers=1).stream(endless())
    assert [next(stream).count > 0 for _ in range(5)] == [True] * 5
    assert len(asked) < 12
    stream.close()


def _checkpoint(path):
    torch.save({"weight": torch.zeros(3)}, path)


def _legacy(path):
    torch.save({"weight": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)


NO_IMAGES = {
    "w.pth": (_checkpoint, "got weights of a model"),
    "old.pth": (_legacy, "got weights of a model"),
    "w.safetensors": (lambda path: save_file({"a": torch.zeros(3)}, path), "got weights of a model"),
    "v.jpg": (lambda path: path.write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 99), "got a video"),
    "v.avi": (lambda path: path.write_bytes(b"RIFF\0\1\0\0AVI LIST"), "crowdkit[video]"),
    "damaged.mp4": (lambda path: path.write_bytes(b"\xfe\xfd" * 50), "got a video"),
    "page.jpg": (lambda path: path.write_text("\n<HTML><body>"), "got a web page"),
    "p.jpg": (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "never opened"),
    "doc.pdf": (lambda path: path.write_bytes(b"%PDF-1.7\n%\xff\xff"), "got a PDF document"),
    "all.zip": (lambda path: path.write_bytes(b"PK\x03\x04" + b"\xff" * 60), "got a ZIP archive"),
    "GT.mat": (lambda path: path.write_bytes(b"MATLAB 5.0 MAT-file" + b"\0\1" * 99), "got a MATLAB file"),
    "drawing.jpg": (lambda path: path.write_text("%!PS-Adobe-3.0 EPSF-3.0\nshowpage"), "got text"),
    "notes.json": (lambda path: path.write_text('{"é": 1}', encoding="utf-8"), "got text"),
    "empty.jpg": (lambda path: path.write_bytes(b""), "got an empty file"),
    "pipe.jpg": (os.mkfifo, "got a pipe (FIFO)"),
    "zero.jpg": (lambda path: path.symlink_to("/dev/zero"), "got a device"),
    "loop.jpg": (lambda path: path.symlink_to(path), "expected an image, got"),
    "folder.jpg": (lambda path: path.mkdir(), "got a folder"),
    "noise.jpg": (lambda path: path.write_bytes(bytes(range(128, 256)) * 9), "unknown format"),
}


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
def test_what_is_no_image_is_called_what_it_is_and_the_rest_is_counted(photo, pixels, tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    for name, (make, _) in NO_IMAGES.items():
        make(folder / name)
    odd, broken = (folder / os.fsdecode(name) for name in (b"caf\xe9\n\x1b[31m.png", b"\xff.jpg"))
    Image.fromarray(pixels).save(odd)
    broken.write_bytes(b"%PDF")
    files = [*sorted(folder.iterdir()), photo]
    begun = time.monotonic()
    answers = dict(zip(files, Counter(Light(), device="cpu", readers=2).stream(list(files)), strict=True))
    assert time.monotonic() - begun < 20
    for name, (_, words) in NO_IMAGES.items():
        if (folder / name).is_dir():
            continue  # a folder named so is looked into
        answer = answers[folder / name]
        assert words in answer.reason, (name, answer)
        assert answer.reason.startswith(f"{folder / name}: expected an image, got "), answer
        assert answer.reason.count("\n") == 0
        assert len(answer.reason) < 300 + len(str(folder))
    assert "got none" in answers[folder / "folder.jpg"].reason
    assert answers[photo].count == answers[odd].count
    said = answers[broken].reason
    assert "\\udcff.jpg: expected an image, got a PDF document" in said
    said.encode("utf-8")
    assert recognize(photo.read_bytes()) is None


def test_other_things_are_called_what_they_are(counter):
    with pytest.raises(
        DataError, match=r"0: expected an image, got the number of a camera; .*crowdkit\[video\]"
    ):
        counter.count(0)
    for address in ("rtsp://127.0.0.1/a", "RTMP://127.0.0.1/a"):
        with pytest.raises(DataError, match="got a live stream"):
            counter.count(address)
    for address in ("file:///etc/hostname", "ftp://127.0.0.1/a.png", "s3://bucket/a.png"):
        with pytest.raises(DataError, match="expected http:// or https://"):
            counter.count(address)
    with pytest.raises(DataError, match="got dict; give a file"):
        counter.count({"image": 1})
    with pytest.raises(DataError, match="opened to read bytes"):
        counter.count(io.StringIO("text"))
    [answer] = counter.stream([None])
    assert answer == Unreadable(source="image", reason=answer.reason)
    assert "got NoneType" in answer.reason


def test_the_web_is_asked_for_images_alone(counter, web):
    for place, words in {
        "/page": "got a web page; name the address of the image itself",
        "/none": "HTTP Error 404",
        "/loop": "redirect",
        "/file": "not allowed|not followed",
        "/ftp": "a redirect to ftp://127.0.0.1/a.png, which is not followed",
    }.items():
        with pytest.raises(DataError, match=words):
            counter.count(web + place)
    with pytest.raises(DataError, match=r"at most .* MiB, got more"):
        fetch.fetch(f"{web}/photo.png", most=105)
    with pytest.raises(DataError, match=r"within 0\.2 s"):
        fetch.fetch(f"{web}/slow", patience=0.2)
    with pytest.raises(DataError, match="got Connection refused; check the address"):
        counter.count("http://127.0.0.1:1/a.png")


def test_a_list_names_files_and_reaches_nothing_else(counter, web, photo):
    (photo.parent / "list.txt").write_text(f"{web}/photo.png\nfile://{photo}\n")
    answers = list(counter.stream(photo.parent / "list.txt"))
    assert ["got no such file" in each.reason for each in answers] == [True, True]
