"""What judges: the handout's checks, and what each submission is compiled with."""
import fcntl
import hashlib
import os
import shutil
import subprocess

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(SCRIPTS)
IS_LAB = os.path.isdir(os.path.join(ROOT, "lessons", "exercise"))  # otherwise this is a handout, on its own
TABLE = os.path.join(ROOT, *(("lessons", "exercise") if IS_LAB else ("tests",)), "checks.tsv")


def build(work):
    """Builds what judges, in `work`, where nobody else does so at the same time; and copies what each submission is compiled with to
    `kit` there. Returns the program."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    target = "build/tests/check" if IS_LAB else "build/check"
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "SERVER", "CLIENT")}
    given = os.path.join(work, "greeting-lab") if IS_LAB else ROOT
    if IS_LAB:
        subprocess.run([os.path.join(SCRIPTS, "handout"), work], check=True, **quiet)
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as lock:  # another marking may do the same now
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "-C", ROOT, target], check=True, env=env, **quiet)
    os.mkdir(os.path.join(work, "kit"))
    for name in ("Makefile", "common.hpp"):
        shutil.copy(os.path.join(given, name), os.path.join(work, "kit"))
    shutil.copytree(os.path.join(given, "common"), os.path.join(work, "kit", "common"))
    return os.path.join(ROOT, target)


def digest(work):
    """The same for all that judges."""
    found = hashlib.sha256()
    for place, folders, names in os.walk(os.path.join(work, "greeting-lab") if IS_LAB else ROOT):
        folders[:] = sorted(each for each in folders if each in ("tests", "watch", "common"))
        for name in sorted(each for each in names if each.endswith((".hpp", ".cpp", ".tsv", "Makefile"))):
            with open(os.path.join(place, name), "rb") as file:
                found.update(name.encode() + b"\0" + file.read())
    return found.digest()


def digest_of_programs(entry, more=b""):
    """What a submission's programs are: the same programs have the same marks."""
    digest_ = hashlib.sha256(more)
    for name in sorted(entry.sources):
        digest_.update(name.encode() + b"\0" + str(len(entry.sources[name])).encode() + b"\0" + entry.sources[name])
    digest_.update(repr((entry.problem, sorted(entry.given.items()))).encode("utf-8", "backslashreplace"))
    return digest_.hexdigest()


def digest_of(entry, kit):
    """The same of all that is said of it, and what it is judged by."""
    return digest_of_programs(entry, kit + repr(entry.notes).encode("utf-8", "backslashreplace"))
