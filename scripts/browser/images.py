# SPDX-License-Identifier: Apache-2.0
"""Images come in: chosen, as samples, pasted, dropped, photographed, and refused."""

from PIL import Image

from harness import CAT, CHINA, ROCKET, assert_psnr


def shows(page, photo):
    """The page shows this image's figures at the level of its slider."""
    assert_psnr(page, photo, page.keep())
    assert page.errors() == {}, page.errors()
    width = page.run("const image = document.querySelector('#original'); return image.naturalWidth || image.width")
    assert width > 0, "the original is not drawn"


def uploaded(page, photo):
    page.load(photo)
    shows(page, photo)
    assert "dB" in page.text("#psnr"), page.text("#psnr")
    assert 0 < float(page.text("#ssim").split()[-1]) <= 1, page.text("#ssim")
    assert page.number("#bytes") > 0 and page.number("#milliseconds") > 0
    assert page.elements("#spectrum svg"), "no spectrum"


def classes_are_shown(page):
    page.load(CAT)
    assert "cat" in page.text("#classes").lower(), page.text("#classes")


def nothing_from_outside(page):
    page.load(CAT)
    names = page.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert names, "no request was made"
    for name in names:
        assert name.startswith((page.server.url, "blob:", "data:")), name


def sample(page, name):
    frames = page.frames()
    page.click(f"#samples button[data-sample='{name}']")
    page.ready(frames)
    assert page.number("#psnr") > 20, page.text("#psnr")
    assert page.errors() == {}, page.errors()


def samples_differ(page):
    found = set()
    for button in page.elements("#samples button[data-sample]"):
        frames = page.frames()
        button.click()
        page.ready(frames)
        found.add(page.text("#psnr"))
    assert len(found) == 4, found


def pasted(page):
    page.paste(CHINA, "image/jpeg")
    page.ready(0)
    shows(page, CHINA)


def pasted_text(page):
    """Text in the clipboard is no image: a sentence says so."""
    page.run(
        "const clipboardData = new DataTransfer(); clipboardData.setData('text/plain', 'text');"
        "document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))"
    )
    assert "clipboard" in page.refused("first-error"), page.errors()


def dropped(page, selector):
    page.drop(ROCKET, selector=selector)
    page.ready(0)
    shows(page, ROCKET)


def dropped_anywhere_stays(page):
    """A file dropped beside every target must not make the browser leave the page."""
    page.drop(ROCKET, selector="footer" if page.elements("footer") else "body")
    page.until(lambda: page.run("return location.pathname") == "/", "the page is still there")


def dropped_together(page):
    """Two files are the two images to mix; of more, none is chosen."""
    page.drop(CAT, ROCKET)
    page.until(lambda: page.number("#cosine") is not None, "both are compared")
    page.ready()
    shows(page, CAT)
    assert ROCKET.name in page.text("#high-note"), page.text("#high-note")
    page.drop(CAT, ROCKET, CHINA)
    assert "more than two" in page.refused("first-error"), page.errors()
    assert_psnr(page, CAT, page.keep())


# What the drawn crop cuts out of the original, less what the model sees: the mean difference of a channel.
CROP = """
const [original, before] = ['original', 'before'].map(id => document.getElementById(id));
const { left, top, width, height } = document.getElementById('crop').style;
const side = 16, { naturalWidth, naturalHeight } = original;
const share = (text, whole) => parseFloat(text) / 100 * whole;
const pixels = (...source) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: side, height: side }).getContext('2d');
  canvas.imageSmoothingQuality = 'high';
  canvas.drawImage(...source, 0, 0, side, side);
  return canvas.getImageData(0, 0, side, side).data;
};
const cut = pixels(original, share(left, naturalWidth), share(top, naturalHeight), share(width, naturalWidth),
  share(height, naturalHeight));
return pixels(before).reduce((sum, value, i) => sum + Math.abs(value - cut[i]), 0) / cut.length;
"""


def orientation(page, folder):
    """The crop that is drawn over the original is what the model sees, whichever way EXIF turns the image."""
    for turn in range(1, 9):
        photo = folder / f"turned-{turn}.jpg"
        exif = Image.Exif()
        exif[0x112] = turn
        Image.open(CHINA).save(photo, exif=exif, quality=90)
        page.load(photo)
        assert page.run(CROP) < 8, (turn, page.run(CROP))
    shows(page, photo)


def panorama(page, folder):
    """A very wide or tall image leaves room for the samples, and the page as wide as its window."""
    for size in ((4000, 80), (80, 4000)):
        photo = folder / f"panorama-{size[0]}.jpg"
        Image.open(CHINA).resize(size).save(photo)
        page.load(photo)
        assert page.run("return document.getElementById('samples').clientWidth") > 400, size
        assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0, size


def nothing_stale(page):
    """After a refusal no part of an earlier image's results is left."""
    for selector in ("#psnr", "#ssim", "#bytes", "#classes", "#cosine"):
        assert not any(letter.isdigit() for letter in page.text(selector)), (selector, page.text(selector))
    shown = [one for one in page.elements("#spectrum svg, #levels canvas, #before, #after") if one.is_displayed()]
    assert not shown, f"still there: {[one.get_attribute('outerHTML')[:80] for one in shown]}"


def in_sight(page, name):
    inside = (
        "const box = document.getElementById(arguments[0]).getBoundingClientRect();"
        "return box.top >= 0 && box.bottom <= innerHeight"
    )
    page.until(lambda: page.run(inside, name), f"#{name} is in sight", 3)


def refused(page, file, words):
    """A file that is refused after a good one: a sentence beside it, nothing of the earlier image; then a good one."""
    page.load(CAT)
    page.choose(file)
    sentence = page.refused("first-error")
    assert any(word in sentence for word in words), sentence
    assert sentence[-1] in ".!" and len(sentence) > 20, sentence
    page.until(lambda: page.state() != "busy", "the page is no longer busy")
    nothing_stale(page)
    in_sight(page, "first-error")
    page.load(CHINA)
    shows(page, CHINA)


def refused_on_a_phone(page, file):
    page.browser.size(360, 780, mobile=True)
    page.choose(file)
    page.refused("first-error")
    in_sight(page, "first-error")


def refused_twice(page, file):
    """The same file chosen again is sent again, and refused again."""
    for _ in range(2):
        before = len(page.calls())
        page.choose(file)
        page.refused("first-error")
        page.until(lambda: len(page.calls()) > before and page.state() != "busy", "the file is sent")


def photographed(page):
    """With a camera, here Chromium's test pattern."""
    page.click("#camera")
    page.until(lambda: page.run("return [...document.querySelectorAll('video')].some(v => v.videoWidth)"), "a video runs")
    page.click("#shoot")
    page.ready(0)
    assert page.number("#psnr") > 10, page.text("#psnr")
    running = page.run("return [...document.querySelectorAll('video')].some(v => v.srcObject?.active)")
    assert not running, "the camera is left on"


def cases(harness, server, folder, corrupt):
    text = folder / "notes.txt"
    text.write_text("This is no image.\n" * 50)
    (folder / "empty.jpg").write_bytes(b"")
    for photo in (CAT, CHINA, ROCKET):
        harness.case(f"upload of {photo.name}", server, uploaded, photo)
    harness.case("classes", server, classes_are_shown)
    harness.case("no request to the outside", server, nothing_from_outside)
    for name in ("cat", "coffee", "rocket", "astronaut"):
        harness.case(f"sample {name}", server, sample, name)
    harness.case("samples differ", server, samples_differ)
    harness.case("paste", server, pasted)
    harness.case("paste of text", server, pasted_text)
    for selector in ("#frame", "main", "h1"):
        harness.case(f"drop on {selector}", server, dropped, selector)
    harness.case("drop beside every target", server, dropped_anywhere_stays)
    harness.case("drop of several files", server, dropped_together)
    harness.case("orientation", server, orientation, folder)
    harness.case("panorama", server, panorama, folder)
    harness.case("camera", server, photographed)
    harness.case("text file", server, refused, text, ["not supported", "image"], refusals=["415"])
    harness.case("corrupt image", server, refused, corrupt, ["PNG", "image", "truncated"], refusals=["422"])
    harness.case("empty file", server, refused, folder / "empty.jpg", ["empty", "image"], refusals=["400", "415", "422"])
    harness.case("corrupt image on a phone", server, refused_on_a_phone, corrupt, refusals=["422"])
    harness.case("corrupt image twice", server, refused_twice, corrupt, refusals=["422"])
