"""What judges: the handout's checks, and what each submission is compiled with."""
import fcntl
import hashlib
import os
import shutil
import subprocess

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(SCRIPTS)
IS_LAB = os.path.isdir(os.path.join(ROOT, "lessons", "exercise"))  # otherwise this is a handout, on its own
KIT = os.path.join(ROOT, "build", "greeting-lab") if IS_LAB else ROOT
TABLE = os.path.join(ROOT, *(("lessons", "exercise") if IS_LAB else ("tests",)), "checks.tsv")


def build(kit):
    """Builds what judges, and copies what each submission is compiled with to `kit`. Returns the program."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    target = "build/tests/check" if IS_LAB else "build/check"
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "SERVER", "CLIENT")}
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as lock:  # another marking may do the same now
        fcntl.flock(lock, fcntl.LOCK_EX)
        if IS_LAB:
            subprocess.run([os.path.join(SCRIPTS, "handout")], check=True, **quiet)
        subprocess.run(["make", "-s", "-C", ROOT, target], check=True, env=env, **quiet)
        os.mkdir(kit)
        for name in ("Makefile", "common.hpp"):
            shutil.copy(os.path.join(KIT, name), kit)
        shutil.copytree(os.path.join(KIT, "common"), os.path.join(kit, "common"))
    return os.path.join(ROOT, target)


def digest():
    """The same for all that judges."""
    found = hashlib.sha256()
    for place, folders, names in os.walk(KIT):
        folders[:] = sorted(each for each in folders if each in ("tests", "common"))
        for name in sorted(each for each in names if each.endswith((".hpp", ".cpp", ".tsv", "Makefile"))):
            with open(os.path.join(place, name), "rb") as file:
                found.update(name.encode() + b"\0" + file.read())
    return found.digest()


def digest_of(entry, kit):
    """What a submission is, and what it is judged by: marks of the same are the same."""
    digest = hashlib.sha256(kit)
    for name in sorted(entry.sources):
        digest.update(name.encode() + b"\0" + str(len(entry.sources[name])).encode() + b"\0" + entry.sources[name])
    digest.update(repr((entry.problem, entry.notes)).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
