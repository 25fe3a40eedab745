"""What was handed in: an entry a student, whatever its form. Nothing is unpacked to a path of the archive's choosing: only the
files that the exercise names are read, into memory, and never more than they may have."""
import bz2
import gzip
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib

SOURCES = ("server.cpp", "client.cpp")
MOST = 1 << 20  # bytes of a source
MOST_IN_AN_ARCHIVE = 256 << 20  # bytes, unpacked
MOST_MEMBERS = 20_000
ARCHIVES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip")
UNREADABLE = (".rar", ".7z")  # somebody's submission all the same


class NotReadable(Exception):
    """Why nothing can be taken from an entry."""


class Entry:
    """One student's submission."""

    def __init__(self, student):
        self.student = student
        self.paths = []  # of what was handed in: one, or several bare files
        self.sources = {}  # name: bytes
        self.notes = []
        self.problem = ""  # why it is not readable

    def read(self):
        """Reads the sources. What is wrong is noted, and never raised: every entry has its row."""
        try:
            for path in self.paths:
                self._read(path)
        except NotReadable as error:
            self.problem = str(error)
        except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError, zlib.error, lzma.LZMAError,
                zipfile.BadZipFile, tarfile.TarError) as error:
            reason = getattr(error, "strerror", None) or (str(error) if isinstance(error, tarfile.TarError) else "") or \
                "is it damaged, or encrypted?"
            self.problem = f"it cannot be read ({reason})"
        if self.problem:
            self.sources = {}

    def _read(self, path):
        name = os.path.basename(path)
        if os.path.islink(path):
            raise NotReadable("it is a symbolic link")
        if os.path.isdir(path):
            self._choose(_in_folder(path))
        elif name.lower().endswith(ARCHIVES):
            self._choose(_in_archive(path))
        elif name.lower().endswith(UNREADABLE):
            raise NotReadable("it is an archive that cannot be unpacked here: hand in a .zip or .tar.gz")
        else:
            self.sources[source_of(name)] = _read_file(path)

    def _choose(self, found):
        """Of the files of each name, the shallowest; `found` has tuples of path and function that reads it."""
        for source in SOURCES:
            same = sorted((path.replace("\\", "/").count("/"), _base(path) != source, path, read)
                          for path, read in found if _base(path).lower() == source)
            same = [(path, read) for _, _, path, read in same]
            if len(same) > 1:
                self.notes.append(f"{len(same)} files {source}; {same[0][0]} was taken")
            if same:
                self.sources[source] = same[0][1]()


def source_of(name):
    """Which source a bare file NAME_server.cpp is; empty if it is none."""
    match = re.fullmatch(r".+_(server|client)\.cpp", name, re.DOTALL)
    return match[1] + ".cpp" if match else ""


def _base(path):
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _is_wanted(path):
    parts = path.replace("\\", "/").split("/")
    return parts[-1].lower() in SOURCES and "__MACOSX" not in parts and ".." not in parts and parts[0] != ""


def _limited(data, name):
    if len(data) > MOST:
        raise NotReadable(f"{name} is larger than 1 MB")
    return data


def _read_file(path):
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if os.path.islink(path):
            raise NotReadable(f"{os.path.basename(path)} is a symbolic link") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotReadable(f"{os.path.basename(path)} is no regular file")
        return _limited(file.read(MOST + 1), os.path.basename(path))


def _raise(error):
    raise error


def _in_folder(folder):
    found = []
    count = 0
    for place, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = sorted(each for each in folders if each != "__MACOSX")
        count += len(files) + len(folders)
        if count > MOST_MEMBERS:
            raise NotReadable("it has too many files")
        for name in files:
            path = os.path.join(place, name)
            if _is_wanted(os.path.relpath(path, folder)):
                found.append((os.path.relpath(path, folder), lambda path=path: _read_file(path)))
    return found


def _in_archive(path):
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise NotReadable("it is no regular file")
    if status.st_size > MOST_IN_AN_ARCHIVE:
        raise NotReadable("it is larger than 256 MB")
    return _in_zip(path) if path.lower().endswith(".zip") else _in_tar(path)


def _in_zip(path):
    with open(path, "rb") as file:  # the end says how large the list of members is: first of all, look there
        file.seek(max(0, os.path.getsize(path) - 65_557))
        end = file.read()
    at = end.rfind(b"PK\5\6")
    if at != -1 and int.from_bytes(end[at + 12:at + 16], "little") > 8 << 20:
        raise NotReadable("it has too many files")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise NotReadable("it has too many files")
    return [(member.filename, lambda member=member: _read_member(path, member)) for member in members
            if _is_wanted(member.filename) and not member.is_dir()]


def _read_member(path, member):
    if stat.S_ISLNK(member.external_attr >> 16):
        raise NotReadable(f"{_base(member.filename)} is a symbolic link")
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:  # what is said of its size may be a lie
        return _limited(file.read(MOST + 1), _base(member.filename))


class _Counted:
    """A file to read from that ends in an error when it is too long: archives unpack to any size."""

    def __init__(self, file):
        self.file = file
        self.left = MOST_IN_AN_ARCHIVE

    def read(self, size=-1):
        data = self.file.read(size if 0 <= size <= 1 << 20 else 1 << 20)
        self.left -= len(data)
        if self.left < 0:
            raise NotReadable("unpacked, it is larger than 256 MB")
        return data


def _in_tar(path):
    found = []
    with open(path, "rb") as raw:
        packed = {".gz": gzip.open, "tgz": gzip.open, ".xz": lzma.open, "bz2": bz2.open}.get(path.lower()[-3:])
        file = _Counted(packed(raw) if packed else raw)
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for count, member in enumerate(archive):
                if count > MOST_MEMBERS:
                    raise NotReadable("it has too many files")
                if not _is_wanted(member.name) or member.isdir():
                    continue
                if not member.isreg():
                    raise NotReadable(f"{_base(member.name)} is a link, or no regular file")
                if member.size > MOST:
                    raise NotReadable(f"{_base(member.name)} is larger than 1 MB")
                data = archive.extractfile(member).read()
                found.append((member.name, lambda data=data: data))
    return found


def find(folder):
    """The entries of a folder, by student, and the names of what is none."""
    entries, strays = {}, []
    chosen = {}  # how each student's entry was handed in
    ranks = {"folder": 0, "archive": 1, "files": 2}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        lower = name.lower()
        ending = next((each for each in ARCHIVES + UNREADABLE if lower.endswith(each) and len(name) > len(each)), "")
        if name.startswith(".") or name == "__MACOSX":
            strays.append(name)
            continue
        if os.path.isdir(path) or (os.path.islink(path) and not ending and not source_of(name)):
            student, kind = name, "folder"
        elif ending:
            student, kind = name[:-len(ending)], "archive"
        elif source_of(name):
            student, kind = name[:-len("_server.cpp")], "files"
        else:
            strays.append(name)
            continue
        entry = entries.setdefault(student, Entry(student))
        before = chosen.setdefault(student, kind)
        if not entry.paths or (kind == before == "files"):
            entry.paths.append(path)
            continue
        if ranks[kind] < ranks[before]:
            dropped, entry.paths, chosen[student] = entry.paths, [path], kind
        else:
            dropped = [path]
        entry.notes.append("beside it, not taken: " + ", ".join(os.path.basename(each) for each in dropped))
    return [entries[student] for student in sorted(entries)], strays
