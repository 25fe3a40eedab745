"""Reads what was handed in: folders, archives, bare files. Nothing is unpacked to a path of the archive's choosing: only the files
that the exercise names are read, into memory, and never more than they may have."""
import bz2
import functools
import gzip
import lzma
import os
import re
import stat
import tarfile
import tempfile
import time
import zipfile
import zlib

from . import names
from .language import ENGLISH, text

MOST = 1 << 20  # bytes of a source
MOST_IN_AN_ARCHIVE = 256 << 20  # bytes, unpacked
MOST_IN_A_CLASS = 4 << 30  # bytes of the archives in a platform's archive
MOST_INSIDE = 16 << 20  # bytes of an archive in another one
MOST_MEMBERS = 20_000
DAMAGED = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError, zlib.error, lzma.LZMAError,
           zipfile.BadZipFile, tarfile.TarError)  # what reading what strangers made may raise


class NotReadable(Exception):
    """Why nothing can be taken from an entry: `said`, which is a text() or a str."""

    def __init__(self, said):
        super().__init__(ENGLISH(said))
        self.said = said


def why(error):
    """What an error means, in a few words."""
    if isinstance(error, NotReadable):
        return error.said
    reason = getattr(error, "strerror", None) or (str(error) if isinstance(error, tarfile.TarError) else "") or \
        "is it damaged, or encrypted?"
    return text("it cannot be read ({reason})", reason=reason)


def base(path):
    """The last part of a path, also of one that Windows wrote."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def found_in(path):
    """What there is in a folder or an archive: its path there, a function that reads it, and its time."""
    if os.path.islink(path):
        raise NotReadable("it is a symbolic link")
    if os.path.isdir(path):
        return _in_folder(path)
    if names.ending_of(os.path.basename(path)) in names.UNREADABLE:
        raise NotReadable("it is an archive that cannot be unpacked here: hand in a .zip or .tar.gz")
    return _in_archive(path)


def found_inside(archive):
    """The same of an archive in a folder or in another archive, which is read."""
    if names.ending_of(archive.file) in names.UNREADABLE:
        raise NotReadable("it is an archive that cannot be unpacked here: hand in a .zip or .tar.gz")
    with tempfile.NamedTemporaryFile() as file:
        file.write(archive.read(MOST_INSIDE))
        file.flush()
        return [(path, functools.partial(bytes, data), time) for path, read, time in _in_archive(file.name)
                if names.is_wanted(base(path)) and (data := read()) is not None]


def read_file(path, most=MOST):
    """A bare file's bytes."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if os.path.islink(path):
            raise NotReadable(text("{file} is a symbolic link", file=os.path.basename(path))) from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotReadable(text("{file} is no regular file", file=os.path.basename(path)))
        return _limited(file.read(most + 1), os.path.basename(path), most)


def _is_somebodys(path):
    """Whether a path is a file's that may have been written by who handed it in."""
    parts = path.replace("\\", "/").split("/")
    return "__MACOSX" not in parts and ".." not in parts and parts[0] != "" and not parts[-1].startswith(".")


def _limited(data, name, most=MOST):
    if len(data) > most:
        raise NotReadable(text("{file} is larger than {count} MB", file=name, count=str(most >> 20)))
    return data


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
            if _is_somebodys(os.path.relpath(path, folder)):
                found.append((os.path.relpath(path, folder), functools.partial(read_file, path), int(os.lstat(path).st_mtime)))
    return found


def _in_archive(path):
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise NotReadable("it is no regular file")
    if status.st_size > MOST_IN_AN_ARCHIVE:
        raise NotReadable("it is larger than 256 MB")
    return _in_zip(path) if zipfile.is_zipfile(path) else _in_tar(path)


def _members_of(path):
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
    return members


def _in_zip(path):
    return [(member.filename, functools.partial(_read_member, path, member), time.mktime(member.date_time + (0, 0, -1)))
            for member in _members_of(path) if _is_somebodys(member.filename) and not member.is_dir()]


def _read_member(path, member, most=MOST):
    if stat.S_ISLNK(member.external_attr >> 16):
        raise NotReadable(text("{file} is a symbolic link", file=base(member.filename)))
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:  # what is said of its size may be a lie
        return _limited(file.read(most + 1), base(member.filename), most)


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
        first = raw.read(3)
        raw.seek(0)
        packed = {b"\x1f\x8b\x08": gzip.open, b"\xfd7z": lzma.open, b"BZh": bz2.open}.get(first)
        file = _Counted(packed(raw) if packed else raw)
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for count, member in enumerate(archive):
                if count > MOST_MEMBERS:
                    raise NotReadable("it has too many files")
                if not _is_somebodys(member.name) or member.isdir():
                    continue
                found.append((member.name, _read_of(member, archive), member.mtime))
    return found


def _read_of(member, archive):
    """A function that reads a member. A stream is read in order: what is wanted is read now, and kept."""
    name, data = base(member.name), b""
    if names.is_wanted(name) and member.isreg() and member.size <= (MOST_INSIDE if names.ending_of(name) else MOST):
        data = archive.extractfile(member).read()

    def read(most=MOST):
        if not member.isreg():
            raise NotReadable(text("{file} is a link, or no regular file", file=name))
        return _limited(data if member.size <= most else b"\0" * (most + 1), name, most)
    return read


def _name_in(member):
    """The name of a member of a platform's archive. Where nothing says that it is UTF-8, it is that reading in which the platform
    can be recognised."""
    readings = []
    for encoding in ("utf-8", "gb18030", "cp437") if not member.flag_bits & 0x800 else ():
        try:
            readings.append(member.filename.encode("cp437").decode(encoding))
        except UnicodeError:
            continue
    known = [name for name in readings for part in re.split(r"[/\\]", name) if names.of_platform(part, is_folder=True) or
             names.of_platform(part, is_folder=False)]
    return (known or readings or [member.filename])[0]


def unpack_class(path, folder):
    """Unpacks a platform's archive of all submissions into `folder`, for entries.find: of each member as much as may be wanted of
    it, which of most is the name. Returns what cannot be read and why, by path."""
    problems = {}
    left = MOST_IN_A_CLASS
    try:
        members = _members_of(path)
    except DAMAGED as error:
        raise NotReadable(why(error)) from error
    for member in members:
        name = _name_in(member)
        if member.is_dir() or not _is_somebodys(name):
            continue
        place = os.path.join(folder, *(part for part in name.replace("\\", "/").split("/") if part not in ("", ".")))
        most = _wanted_of(os.path.basename(place))
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                if stat.S_ISLNK(member.external_attr >> 16):
                    raise NotReadable(text("{file} is a symbolic link", file=os.path.basename(place)))
                if most > left:
                    raise NotReadable("all submissions together are larger than 4 GB")
                if most:
                    with zipfile.ZipFile(path) as archive, archive.open(member) as packed:
                        left -= _copy(packed, file, most + 1)
            os.utime(place, (time.mktime(member.date_time + (0, 0, -1)),) * 2)
        except (NotReadable, *DAMAGED) as error:
            problems[place] = why(error)
    return problems


def _wanted_of(name):
    """How many bytes of a file in a platform's archive are of use."""
    own = names.of_entry(name, is_folder=False)
    file = own.file if own else name
    return MOST_IN_AN_ARCHIVE if names.ending_of(file) else MOST if names.is_wanted(file) else 0


def _copy(packed, file, most):
    """Copies at most so many bytes, and returns how many."""
    left = most
    while left and (data := packed.read(min(left, 1 << 20))):
        file.write(data)
        left -= len(data)
    return most - left
