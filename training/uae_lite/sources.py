# SPDX-License-Identifier: Apache-2.0
"""Photographs from Debian packages, each with its author and licence.

An image is used only if the package's own copyright file puts it under CC0, the public domain, CC BY or CC BY-SA.
"""

import dataclasses
import fnmatch
import pathlib
import re
import struct
import subprocess
import textwrap
import zlib

# Debian 12's packages with photographs. Further packages have licences that are unclear about photographs.
PACKAGES = {
    "gcompris-qt-data": "3.1-2",
    "lomiri-wallpapers-16.04": "20.04.0-2",
    "lomiri-wallpapers-20.04": "20.04.0-2",
    "scratch": "1.4.0.6~dfsg1-6.1",
    "ukui-wallpapers": "20.04.3-1.1",
}

ALLOWED = re.compile(r"(CC0(-1\.0)?|public-domain|CC-BY-[1-4]\.[05]|CC-BY-SA-[1-4]\.[05])$", re.IGNORECASE)

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclasses.dataclass(frozen=True)
class Source:
    """One image of a package."""

    package: str
    path: str
    copyright: str
    licence: str
    octets: bytes


@dataclasses.dataclass(frozen=True)
class Stanza:
    """One stanza of a machine-readable copyright file."""

    patterns: tuple[str, ...]
    copyright: str
    licence: str

    def covers(self, path: str) -> bool:
        """Whether the stanza covers a file, whose path in the source tree may differ from the installed one."""
        tails = ["/".join(path.split("/")[depth:]) for depth in range(path.count("/") + 1)]
        return any(
            any(fnmatch.fnmatchcase(stem(tail), stem(pattern)) for tail in tails) or stem(pattern).endswith("/" + stem(tails[-1]))
            for pattern in self.patterns
            if pattern not in ("*", "debian/*")
        )


def stem(path: str) -> str:
    """The path without its suffix: packages convert images, but the copyright file keeps the old names."""
    return re.sub(r"\.[A-Za-z]+$", "", path)


def download(folder: pathlib.Path) -> None:
    """Downloads the packages that `folder` lacks and unpacks them without installing."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, version in PACKAGES.items():
        target = folder / package
        if target.exists():
            continue
        print(f"fetching {package} {version}", flush=True)
        fetch = ["apt-get", "download", "-qq", f"{package}={version}"]
        if subprocess.run(fetch, cwd=folder).returncode != 0:
            # The machine's package lists are outdated or missing.
            subprocess.run(["apt-get", "update", "-qq"], check=True)
            subprocess.run(fetch, cwd=folder, check=True)
        (archive,) = folder.glob(f"{package}_*.deb")
        partial = folder / f"{package}.partial"
        subprocess.run(["dpkg-deb", "-x", archive, partial], check=True)
        partial.rename(target)
        archive.unlink()


def pictures(folder: pathlib.Path):
    """Yields every image that may be used, in a fixed order."""
    for package in sorted(PACKAGES):
        root = folder / package
        stanzas = read_stanzas(root / "usr/share/doc" / package / "copyright")
        for path, octets in sorted(files(root)):
            # The last matching stanza applies.
            stanza = next((stanza for stanza in reversed(stanzas) if stanza.covers(path)), general(stanzas))
            if stanza and ALLOWED.match(stanza.licence):
                yield Source(package, path, stanza.copyright, stanza.licence, octets)


def general(stanzas: list[Stanza]) -> Stanza | None:
    """The stanza for files that no other stanza names."""
    return next((stanza for stanza in stanzas if stanza.patterns == ("*",)), None)


def files(root: pathlib.Path):
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix == ".rcc":
            for name, octets in resources(path.read_bytes()):
                if pathlib.PurePath(name).suffix.lower() in SUFFIXES:
                    yield name.removeprefix("/gcompris/"), octets
        elif path.suffix.lower() in SUFFIXES:
            yield str(path.relative_to(root)), path.read_bytes()


def read_stanzas(path: pathlib.Path) -> list[Stanza]:
    """Reads a copyright file in Debian's machine-readable form; others give an empty list."""
    stanzas = []
    for paragraph in re.split(r"\n[ \t]*\n", path.read_text(encoding="utf-8", errors="replace")):
        fields = {}
        name = None
        for line in paragraph.splitlines():
            if line[:1].isspace() and name:
                fields[name] += "\n" + line.strip()
            elif ":" in line:
                name, value = line.split(":", 1)
                fields[name] = value.strip()
        if "Files" in fields and "License" in fields:
            licence = fields["License"].splitlines()[0].strip()
            owner = " ".join(fields.get("Copyright", "").split())
            stanzas.append(Stanza(tuple(fields["Files"].split()), owner, licence))
    return stanzas


def resources(data: bytes):
    """Yields name and content of each file in a Qt binary resource."""
    magic, version, tree, contents, names = struct.unpack(">4sIIII", data[:20])
    if magic != b"qres" or version > 3:
        raise ValueError(f"no Qt resource of a known version: {magic!r} {version}")
    node_size = 22 if version >= 2 else 14

    def name_at(offset):
        (count,) = struct.unpack_from(">H", data, names + offset)
        return data[names + offset + 6 : names + offset + 6 + 2 * count].decode("utf-16-be")

    def walk(index, parent):
        offset = tree + index * node_size
        name, flags = struct.unpack_from(">IH", data, offset)
        path = f"{parent}/{name_at(name)}" if index else ""
        if flags & 2:
            count, first = struct.unpack_from(">II", data, offset + 6)
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        (start,) = struct.unpack_from(">I", data, offset + 10)
        (length,) = struct.unpack_from(">I", data, contents + start)
        content = data[contents + start + 4 : contents + start + 4 + length]
        if flags & 1:
            content = zlib.decompress(content[4:])
        if not flags & 4:  # Zstandard: used only for texts.
            yield path, content

    yield from walk(0, "")


def credits(entries: list[dict]) -> str:
    """The authors of the images, by package and licence, as NOTICE lists them."""
    lines = []
    for package in sorted({entry["package"] for entry in entries}):
        lines.append(f"    Debian package {package} {PACKAGES[package]}")
        own = [entry for entry in entries if entry["package"] == package]
        for licence in sorted({entry["licence"] for entry in own}):
            names: dict[str, list[str]] = {}
            for entry in own:
                if entry["licence"] == licence:
                    author = re.sub(r"Copyright \(c\) ", "", entry["copyright"])
                    names.setdefault(author, []).append(pathlib.PurePath(entry["path"]).stem)
            people = [
                f"{author} ({len(files)} images)" if len(files) > 9 else f"{author} ({', '.join(sorted(set(files)))})"
                for author, files in sorted(names.items())
            ]
            text = f"{licence}: " + "; ".join(people) + "."
            lines += textwrap.wrap(text, 110, initial_indent="    - ", subsequent_indent="      ")
    return "\n".join(lines)
