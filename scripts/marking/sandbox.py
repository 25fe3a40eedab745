"""Where a submission's programs run: bubblewrap around each, which has its own view of processes and files, and limits on
all that it may use. bwrap(1), prlimit(1), setpriv(1)"""
import grp
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from .language import text

MEGABYTE = 1 << 20
NPROC = 256  # processes and threads
PROCESSES = 200  # a server with one for each client has some 40 in a check, and four checks are made at a time
MOST = 64  # submissions at the same time; as root, each has a user of its own
PLACES = ((1_900_000_000, 1_900_640_000), (20_000, 60_000), (1_000, 65_000))  # where such users' numbers are looked for
PLAIN = ["env", "-i", "PATH=/usr/bin:/bin", "LANG=C.UTF-8"]  # nothing of the teacher's environment


def spare_users():
    """The first of MOST numbers in a row that are there for users and for groups, and that nobody has; None if there are none,
    or if this process may not take them. In a container not every number is there. user_namespaces(7)"""
    there = []
    for path in ("/proc/self/uid_map", "/proc/self/gid_map"):
        try:
            with open(path, encoding="ascii") as file:
                rows = [[int(number) for number in line.split()] for line in file]
        except FileNotFoundError:  # a kernel without user namespaces: all numbers are there
            rows = [[0, 0, 1 << 32]]
        there.append([range(first, first + count) for first, _, count in rows])
    taken = {user.pw_uid for user in pwd.getpwall()} | {group.gr_gid for group in grp.getgrall()}
    for low, high in PLACES:
        spare = [first for first in range(low, high - MOST, MOST)
                 if all(any(first in each and first + MOST - 1 in each for each in numbers) for numbers in there)
                 and taken.isdisjoint(range(first, first + MOST))]
        if spare:
            first = spare[os.getpid() % len(spare)]  # another marking may run now
            trial = subprocess.run(_as_user(first) + ["true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
            return first if trial.returncode == 0 else None
    return None


def _as_user(user):
    """The words that make what follows run as this user."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]


class Sandbox:
    """Finds out what this machine allows. `weaknesses` are sentences on what is not protected. Programs run as the users from
    number `first_user` on, or, where that is None, as whoever marks."""

    def __init__(self):
        self.weaknesses = []
        self.extra = []
        self.sized = True
        self.has_bwrap = False
        missing = [each for each in ("prlimit", "setpriv", "choom", "env") if not shutil.which(each)]
        if missing:
            raise SystemExit(f"mark: {', '.join(missing)} is not installed (package util-linux).")
        self.first_user = spare_users()
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
                                   if self.first_user else "They run as you: nothing of yours is protected from them.")
            self.weaknesses.append("How much they write to the disk is limited for each file only.")

    @property
    def environment(self):
        """What the checks have to know: in a user namespace of their own the other users would not be there."""
        return {"KEEP_USERS": "1"} if self.first_user else {}

    def user(self, slot):
        """The user for one of the submissions that are marked at the same time; None if it is whoever marks."""
        return self.first_user and self.first_user + slot

    def _works(self):
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o755)
            folder = os.path.join(place, "try")
            os.mkdir(folder)
            try:
                line = self.line(folder, self.first_user, "true")
                return subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False,
                                      cwd="/").returncode == 0
            except (OSError, subprocess.SubprocessError):
                return False

    def line(self, folder, user, command, compiles=False):
        """A line for the shell that runs a command inside, with `folder` as its own; as `user`, if there are users to
        spare: RLIMIT_NPROC does not bind root."""
        own = 0 if self.has_bwrap or self.first_user else _threads_of(os.geteuid())  # they count, too
        limits = [f"--nproc={NPROC + own}", f"--as={4096 * MEGABYTE}", f"--fsize={(256 if compiles else 8) * MEGABYTE}",
                  f"--cpu={40 if compiles else 60}", "--core=0"]
        words = ["choom", "-n", "1000", "--"]  # the first to go when memory is short
        if user:
            words += _as_user(user) + ["--no-new-privs", "prlimit", f"--nproc={NPROC}"]
        words += PLAIN + (["LC_ALL=C"] if compiles else [])  # what a compiler says is read, in English
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
            for name in sorted(os.listdir(os.path.join(folder, "own")) if os.path.isdir(os.path.join(folder, "own")) else []):
                view += ["--ro-bind", os.path.join(folder, "own", name), f"/submission/{name}"]  # of a program in another language
        return view + ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/submission"]

    def clean_up(self, user):
        """Ends and removes what a user that is only there for one submission has left."""
        if not user:
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
                    subprocess.run(_as_user(user) + ["ipcrm", option, number], check=False, stderr=subprocess.DEVNULL)  # its owner may, and root not in every container


class Guard:
    """Ends what a submission's programs use too much of, so that its neighbours, and the machine, do not suffer: `notes` says so.
    What is counted is what is used; limits on each process are for what it asks for."""

    def __init__(self, root, user, jobs):
        self.root, self.user, self.notes, self.next = root, user, [], 0
        self.most = min(1024 * MEGABYTE, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (2 * jobs))

    def look(self):
        """Looks at them, four times a second."""
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + 0.25
        members = self._members()
        if len(members) > PROCESSES:
            self._end([pid for pid, (name, owner, _) in members.items() if owner == self.user or name == "bwrap"],
                      text("it had more than {count} processes at a time, and was ended", count=str(PROCESSES)))
        elif sum(size for _, _, size in members.values()) > self.most:
            self._end([max(members, key=lambda pid: members[pid][2])],
                      text("it used more than {count} MB of memory, and was ended", count=str(self.most // MEGABYTE)))

    def _end(self, pids, note):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if note not in self.notes:
            self.notes.append(note)

    def _members(self):
        """What was started by the root, or runs as the user: the name, the user, and the memory in bytes, by number."""
        found, children = {}, {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                        begin, _, rest = file.read().rpartition(")")
                    owner = os.stat(f"/proc/{name}").st_uid
                except OSError:
                    continue
                fields = rest.split()
                found[int(name)] = (begin.partition("(")[2], owner, int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
                children.setdefault(int(fields[1]), []).append(int(name))
        members, todo = {}, list(children.get(self.root, []))
        todo += [pid for pid, (_, owner, _) in found.items() if self.user and owner == self.user]
        while todo:
            pid = todo.pop()
            if pid in found and pid not in members:
                members[pid] = found[pid]
                todo += children.get(pid, [])
        return members


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
