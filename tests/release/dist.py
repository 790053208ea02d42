"""Build what is released, check its contents, and run the quickstart from the wheel: `make dist`.

With TAG in the environment, as on a release, the version must be the tag's.
"""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tests.release.addresses import REPOSITORY
from tests.release.versions import ROOT, version

DIST = ROOT / "dist"
METADATA = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
WHERE = "import langchain_segmind; print(langchain_segmind.__file__)"
SHOWN = ("Guten", "Your name", "50 answers", "Person(", "numpy", "A: ", " left")
"""What of the quickstart's output is repeated: a line for each kind of thing it does."""


def main() -> None:
    """Do it all; ends with the first thing that is wrong."""
    tag = os.environ.get("TAG") or None
    number = version(tag)
    print(f"The code, the changelog{', the tag' if tag else ''}: all say this is {number}.")
    sdist, wheel = _build(number)
    tracked = _run("git", "ls-files").splitlines()
    print(check_sdist(sdist, tracked))
    print(check_wheel(wheel, tracked, number))
    print(check_description(wheel, tracked, number))
    _run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    print("The wheel was built from that sdist; twine check --strict passes both.")
    _try(wheel)
    print(f"dist/ is ready: {sdist.name}, {wheel.name}")


def _build(number: str) -> tuple[Path, Path]:
    """Build the sdist from this folder, and the wheel from the sdist."""
    shutil.rmtree(DIST, ignore_errors=True)
    _run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    built = sorted(path.name for path in DIST.iterdir())
    expected = [
        f"langchain_segmind-{number}-py3-none-any.whl",
        f"langchain_segmind-{number}.tar.gz",
    ]
    if built != expected:
        raise SystemExit(f"dist/ holds {built}, expected {expected}")
    return DIST / expected[1], DIST / expected[0]


def check_sdist(sdist: Path, tracked: Iterable[str]) -> str:
    """Check that an sdist holds what git tracks, so that the tests run from it, and no more.

    Returns:
        A line that says so.

    Raises:
        SystemExit: It does not.
    """
    with tarfile.open(sdist) as archive:
        names = [member.name for member in archive if not member.isdir()]
    top = sdist.name.removesuffix(".tar.gz")
    _compare(sdist, names, [f"{top}/{name}" for name in [*tracked, "PKG-INFO"]])
    return f"{_summary(sdist, names)}: those that git tracks, and PKG-INFO"


def check_wheel(wheel: Path, tracked: Iterable[str], number: str) -> str:
    """Check that a wheel holds the package, the plugin and what describes them, and no more.

    Returns:
        A line that says so.

    Raises:
        SystemExit: It does not, or it says another version.
    """
    described = f"langchain_segmind-{number}.dist-info"
    ours = [n for n in tracked if n.startswith("langchain_segmind/") or n == "pytest_segmind.py"]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        _compare(wheel, names, [*ours, *(f"{described}/{name}" for name in METADATA)])
        version = email.message_from_bytes(archive.read(f"{described}/METADATA"))["Version"]
    if version != number:
        raise SystemExit(f"{wheel.name} says it is {version}, expected {number}")
    return f"{_summary(wheel, names)}: langchain_segmind, pytest_segmind.py, license, metadata"


def check_description(wheel: Path, tracked: Iterable[str], number: str) -> str:
    """Check that every link and picture of the page on PyPI, which is the README, leads somewhere.

    Returns:
        A line that says so.

    Raises:
        SystemExit: One does not: PyPI does not know the files of this repository.
    """
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        text = str(email.message_from_bytes(archive.read(name)).get_payload())
    places = {*tracked, *(str(Path(name).parent) for name in tracked)}
    targets = re.findall(r"\]\(([^)]+)\)", text)
    ours = re.compile(re.escape(REPOSITORY) + r"/(?:blob|raw)/(.+?)/([^#]+)")
    files = [found.groups() for target in targets if (found := ours.match(target))]
    faults = [f"{target} is not absolute" for target in targets if target[:8] != "https://"]
    faults += [
        f"{path} is not at {tag}" for tag, path in files if tag not in (f"v{number}", "main")
    ]
    faults += [f"{path} is not in this repository" for _, path in files if path not in places]
    if not files:
        faults.append("no link leads to this repository")
    if faults:
        raise SystemExit(f"The page on PyPI: {'; '.join(faults)}")
    return f"The page on PyPI: {len(targets)} links, {len(files)} of them to files of v{number}"


def _compare(archive: Path, names: list[str], expected: list[str]) -> None:
    different = {
        "missing": sorted({*expected} - {*names}),
        "not expected": sorted({*names} - {*expected}),
        "there twice": sorted({name for name in names if names.count(name) > 1}),
    }
    faults = [f"{what}: {', '.join(found)}" for what, found in different.items() if found]
    if faults:
        raise SystemExit(f"{archive.name}: {'; '.join(faults)}")


def _summary(archive: Path, names: list[str]) -> str:
    return f"{archive.name}: {archive.stat().st_size / 1000:.0f} kB, {len(names)} files"


def _try(wheel: Path) -> None:
    """Run the quickstart where nothing but the wheel is installed, away from this folder."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        print("Installing the wheel into an empty environment ...", flush=True)
        venv.create(home / "venv", with_pip=True)
        python = home / "venv" / "bin" / "python"
        pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet")
        _run(*pip, "install", wheel)
        _run(*pip, "check")
        found = _run(python, "-I", "-c", WHERE, cwd=home).strip()
        if not Path(found).is_relative_to(home):
            raise SystemExit(f"langchain_segmind was imported from {found}, not from the wheel")
        shutil.copy(ROOT / "examples/quickstart.py", home)
        _show("The quickstart ran there", _run(python, "-I", "quickstart.py", cwd=home))
        _run(*pip, "install", "numpy")
        _show("It ran once more with numpy", _run(python, "-I", "quickstart.py", cwd=home))


def _show(what: str, printed: str) -> None:
    lines = printed.splitlines()
    print(f"{what} and printed {len(lines)} lines, of which:")
    print("\n".join(f"  {line}" for line in lines if any(part in line for part in SHOWN)))


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command, without the variables that would lead it to this folder or to live models."""
    left_out = ("PYTHON", "SEGMIND_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        line = " ".join(map(str, command))
        raise SystemExit(f"{line}\n{done.stdout}{done.stderr}\nended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
