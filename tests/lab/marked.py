"""What the tests of scripts/mark share: a folder of their own, submissions, and what comes out."""
import csv
import io
import os
import shutil
import subprocess
import tempfile
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
failed = 0
work = tempfile.mkdtemp(prefix="test-marks-")


def holds(what, condition, details=""):
    """Says whether something holds."""
    global failed
    print(("ok      " if condition else "FAILED  ") + what, flush=True)
    if not condition:
        failed += 1
        print("        " + str(details).replace("\n", "\n        ")[-3000:])


def path(*parts):
    """A path in the test's own folder, whose folders are made."""
    whole = os.path.join(work, *parts)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    return whole


def put(where, data):
    """Writes a file, and the folders above it."""
    os.makedirs(os.path.dirname(where), exist_ok=True)
    with open(where, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def get(where):
    """A file's bytes."""
    with open(where, "rb") as file:
        return file.read()


def mark(submissions, out, *options):
    """Runs scripts/mark."""
    return subprocess.run(["scripts/mark", submissions, "--out", path(out), *options], capture_output=True, text=True, check=False)


def marks(out):
    """The rows of marks.csv."""
    with open(path(out, "marks.csv"), encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def table(rows, separator=",", end="\r\n"):
    """A table as bytes."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(rows)
    return text.getvalue().encode()


def zipped(folder, to):
    """A platform's archive of a folder."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, _, names in os.walk(folder):
            for name in sorted(names):
                whole = os.path.join(place, name)
                archive.write(whole, os.path.relpath(whole, folder))
    return to


def small_zip(**members):
    """A student's archive."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return data.getvalue()


solution = path("solution", "")
shutil.copytree("lessons/exercise/starters", solution, dirs_exist_ok=True)
with open("lessons/exercise/solution.patch", "rb") as patch:
    subprocess.run(["patch", "-s", "-p1", "-d", solution], stdin=patch, check=True)
SERVER, CLIENT = get(solution + "server.cpp").decode(), get(solution + "client.cpp").decode()
NOTHING = "int main() {}\n"


def end():
    """Takes the folder away. The exit status."""
    shutil.rmtree(work, ignore_errors=True)
    print(f"{failed} failed")
    return int(failed > 0)
