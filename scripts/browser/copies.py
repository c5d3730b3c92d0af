# SPDX-License-Identifier: Apache-2.0
"""What leaves the page: lines to copy that work, and files that are what they say."""

import io
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

from compare import two
from harness import CAT, CHINA, reference


def copied(page, name):
    """The text that the copy button beside a block puts into the clipboard."""
    page.run("return navigator.clipboard.writeText('')")
    page.run("arguments[0].scrollIntoView({ block: 'center' })", page.element(f"#{name}"))
    page.click(f"[data-copy='{name}']")
    text = page.until(lambda: page.run("return navigator.clipboard.readText()"), "something is copied")
    assert text.strip() == page.run("return arguments[0].textContent", page.element(f"#{name}")).strip(), text
    return text


def in_folder(command, photos):
    """Runs a command in a folder that has only the photographs; what it writes: its output, and files by their names."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for photo in photos:
            shutil.copy(photo, folder)
        result = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
        assert result.returncode == 0, (command[-1], result.stderr)
        names = [photo.name for photo in photos]
        return result.stdout, {file.name: file.read_bytes() for file in folder.iterdir() if file.name not in names}


def in_shell(lines, photos):
    # As given, but a refused request is a failure.
    return in_folder(["bash", "-euc", f'curl() {{ command curl --fail --silent --show-error "$@"; }}\n{lines}'], photos)


def in_python(lines, photos):
    return in_folder([sys.executable, "-c", lines], photos)


def reconstruction(page, name, run, keep):
    """The lines run beside the image and write the reconstruction that is shown."""
    page.load(CAT)
    page.slide_and_wait(keep)
    _, files = run(copied(page, name), [CAT])
    _, expected = reference(page.server, CAT, f"/decode?keep={keep}")
    assert [same(file, expected) for file in files.values()] == [True], list(files)


def topics(page):
    """The lines of everything that is shown run, and write something."""
    two(page)
    choices = [one.get_attribute("value") for one in page.elements("#topic input")]
    assert len(choices) == 7, choices
    for choice in choices:
        page.click(f"#topic [value='{choice}']")
        for name, run in (("curl", in_shell), ("python", in_python)):
            output, files = run(copied(page, name), [CAT, CHINA])
            assert output or files, (choice, name)


def of_sample(page):
    """A sample's lines first fetch it."""
    frames = page.frames()
    page.click("#samples button[data-sample='coffee']")
    page.ready(frames)
    _, files = in_shell(copied(page, "curl"), [])
    assert len(files) == 2, list(files)


def same(one, other):
    """The same pixels, whatever the file's format."""
    one, other = (numpy.asarray(Image.open(io.BytesIO(file)).convert("RGB"), dtype=int) for file in (one, other))
    return one.shape == other.shape and numpy.abs(one - other).max() <= 8


def downloaded(page, button):
    """The file that a button saves: its name and its bytes."""
    folder = page.browser.downloads
    for file in folder.iterdir():
        file.unlink()
    page.click(button)
    finished = lambda: [file for file in folder.iterdir() if not file.name.endswith(".crdownload")]  # noqa: E731
    file = page.until(finished, "a file is saved")[0]
    return file.name, file.read_bytes()


def image(page):
    page.load(CAT)
    page.slide_and_wait(36)
    name, content = downloaded(page, "#save-image")
    assert name.endswith(".png"), name
    _, expected = reference(page.server, CAT, "/decode?keep=36")
    assert content == expected, "not the reconstruction that is shown"


def latent(page):
    page.load(CAT)
    page.slide_and_wait(36)
    name, content = downloaded(page, "#save-latent")
    assert name.endswith(".npy"), name
    array = numpy.load(io.BytesIO(content))
    assert array.shape[0] == 1 and array.dtype == numpy.float32, (array.shape, array.dtype)
    status, _, body = page.server.request("POST", "/decode", content)
    assert status == 200, body[:300]


def sheet(page):
    page.load(CAT)
    name, content = downloaded(page, "#save-sheet")
    picture = Image.open(io.BytesIO(content))
    assert picture.width > 224 * 3, (name, picture.size)


def cases(harness, server):
    for keep in (16, 150):
        harness.case(f"curl line at {keep}", server, reconstruction, "curl", in_shell, keep)
        harness.case(f"Python lines at {keep}", server, reconstruction, "python", in_python, keep)
    harness.case("lines of everything", server, topics)
    harness.case("lines of a sample", server, of_sample)
    harness.case("image to a file", server, image)
    harness.case("latent to a file", server, latent)
    harness.case("sheet to a file", server, sheet)
