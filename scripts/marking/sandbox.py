"""Where a submission's programs run: bubblewrap around each, which has its own view of processes and files, and limits on
all that it may use. bwrap(1), prlimit(1), setpriv(1)"""
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

MEGABYTE = 1 << 20
NPROC = 256  # processes and threads
PLAIN = ["env", "-i", "PATH=/usr/bin:/bin", "LANG=C.UTF-8"]  # nothing of the teacher's environment


class Sandbox:
    """Finds out what this machine allows. `weaknesses` are sentences on what is not protected."""

    def __init__(self):
        self.is_root = os.geteuid() == 0
        self.weaknesses = []
        self.extra = []
        self.sized = True
        self.has_bwrap = False
        missing = [each for each in ("prlimit", "setpriv", "choom", "env") if not shutil.which(each)]
        if missing:
            raise SystemExit(f"mark: {', '.join(missing)} is not installed (package util-linux).")
        if not shutil.which("bwrap"):
            self.weaknesses.append("bubblewrap is not installed (apt-get install bubblewrap).")
        else:
            for extra, sized in ((["--unshare-user", "--disable-userns"], True), ([], True), ([], False)):
                self.extra, self.sized, self.has_bwrap = extra, sized, True
                if self._works():
                    break
                self.has_bwrap = False
            if self.has_bwrap and not self.sized:  # bubblewrap before 0.7
                self.weaknesses.append("This bubblewrap does not limit how much a submission keeps in memory as files.")
            if not self.has_bwrap:
                self.weaknesses.append("bubblewrap does not work on this system (are user namespaces allowed?).")
        if not self.has_bwrap:
            self.weaknesses.append("Submissions can read what their user may read, and use this machine's network.")
            self.weaknesses.append("They run as another user, whose processes and files are removed afterwards."
                                   if self.is_root else "They run as you: nothing of yours is protected from them.")
            self.weaknesses.append("How much they write to the disk is limited for each file only.")

    def _works(self):
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o755)
            folder = os.path.join(place, "try")
            os.mkdir(folder)
            try:
                line = self.line(folder, 65534, "true")
                return subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False,
                                      cwd="/").returncode == 0
            except (OSError, subprocess.SubprocessError):
                return False

    def line(self, folder, user, command, compiles=False):
        """A line for the shell that runs a command inside, with `folder` as its own. As root, under the number `user`:
        RLIMIT_NPROC does not bind root."""
        own = 0 if self.has_bwrap or self.is_root else _threads_of(os.geteuid())  # they count, too
        limits = [f"--nproc={NPROC + own}", f"--as={4096 * MEGABYTE}", f"--fsize={(256 if compiles else 8) * MEGABYTE}",
                  f"--cpu={40 if compiles else 60}", "--core=0"]
        words = ["choom", "-n", "1000", "--"]  # the first to go when memory is short
        if self.is_root:
            words += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs",
                      "prlimit", f"--nproc={NPROC}"]
        words += PLAIN
        arguments = ""
        if self.has_bwrap:  # its arguments come from a file: a submission sees the command line of process 1
            words += ["bwrap", "--args", "9"]
            path = folder + (".compile" if compiles else ".run")
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(each + "\0" for each in self._view(folder, compiles)))
            arguments = " 9<" + shlex.quote(path)
        return shlex.join(words + ["prlimit", *limits, "--"]) + " " + command + arguments

    def _view(self, folder, compiles):
        """What is to be seen inside. bwrap(1)"""
        view = [*self.extra, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "lab", "--unshare-cgroup-try",
                "--die-with-parent", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr"]
        for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
            if os.path.islink(name):
                view += ["--symlink", os.readlink(name), name]
            elif os.path.isdir(name):
                view += ["--ro-bind", name, name]
        for name in ("/etc/ld.so.cache", "/etc/alternatives"):
            view += ["--ro-bind-try", name, name]
        small = ["--size", str(64 * MEGABYTE), "--tmpfs"] if self.sized else ["--tmpfs"]
        view += ["--proc", "/proc", "--dev", "/dev", *small, "/dev/shm", *small, "/tmp"]
        if compiles:
            view += ["--bind", folder, "/submission"]
        else:
            view += [*small, "/submission"]
            for name in ("server", "client"):
                view += ["--ro-bind-try", os.path.join(folder, name), f"/submission/{name}"]
        return view + ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/submission"]

    def clean_up(self, user):
        """Ends and removes what a user that is only there for one submission has left."""
        if not self.is_root:
            return
        end = time.monotonic() + 10
        while (left := _processes_of(user)) and time.monotonic() < end:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
        if self.has_bwrap:
            return  # files and shared memory were its own
        for place in ("/tmp", "/var/tmp", "/dev/shm"):
            subprocess.run(["find", place, "-xdev", "-depth", "-user", str(user), "-delete"], check=False,
                           stderr=subprocess.DEVNULL)
        for table, option in (("shm", "-m"), ("sem", "-s"), ("msg", "-q")):
            try:
                with open(f"/proc/sysvipc/{table}", encoding="ascii") as file:
                    head = file.readline().split()
                    rows = [dict(zip(head, line.split())) for line in file]
            except OSError:
                continue
            for row in rows:
                if row.get("uid") == str(user):
                    number = row.get("shmid") or row.get("semid") or row.get("msqid")
                    subprocess.run(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "ipcrm", option, number],
                                   check=False, stderr=subprocess.DEVNULL)  # its owner may, and root not in every container


def _threads_of(user):
    """How many threads a user has."""
    return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in _processes_of(user) if os.path.isdir(f"/proc/{pid}/task"))


def _processes_of(user):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/status", encoding="utf-8", errors="replace") as file:
                    lines = file.read().splitlines()
            except OSError:
                continue
            numbers = next((line.split()[1:] for line in lines if line.startswith("Uid:")), [])
            is_zombie = any(line.startswith("State:\tZ") for line in lines)
            if str(user) in numbers and not is_zombie:
                found.append(int(name))
    return found
