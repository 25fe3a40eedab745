"""What was handed in: an entry a student, whatever its form, and whatever a platform made of its name."""
import os

from . import files, given, names
from .language import text
from .names import ANSWERS, SOURCES


class Part:
    """A file, an archive or a folder of an entry."""

    def __init__(self, path, name, kind):
        self.path, self.name, self.kind = path, name, kind


class Entry:
    """One student's submission. `student` is who it is called, `id` the platform's number, or empty."""

    def __init__(self, student, number=""):
        self.student, self.id = student, number
        self.parts = []
        self.sources = {}  # name: bytes
        self.given = {}  # by program, what the teacher has said: a file's name, or a command
        self.answers = b""
        self.notes = []
        self.problem = ""  # why it is not readable

    def read(self, problems=None):
        """Reads the sources and the answers. What is wrong is noted, and never raised: every entry has its row. `problems` are
        of unpack_class."""
        found, wrong = [], []
        for part in self.parts:
            self._try(lambda part=part: self._look_into(part, problems or {}, found, wrong), wrong)
        if any(part.name.is_late for part in self.parts):
            self.notes.append("handed in late, by its name")
        taken = self._try(lambda: self._choose(found), wrong)
        if taken and self.sources:
            self.notes += wrong
        elif wrong:
            self.problem = wrong[0]
            self.sources = {}

    @staticmethod
    def _try(read, wrong):
        """Calls a function that reads what a stranger made; adds to `wrong` why it could not. Returns whether it could."""
        try:
            read()
        except (files.NotReadable, *files.DAMAGED) as error:
            wrong.append(files.why(error))
        else:
            return True
        return False

    def _look_into(self, part, problems, found, wrong):
        """Adds to `found` what there is in a part, and to `wrong` what cannot be read in it."""
        problem = next((problem for path, problem in problems.items() if (path + os.sep).startswith(part.path + os.sep)), None)
        if problem:
            raise files.NotReadable(problem)
        order = part.name.order
        if part.kind == "file":
            found.append(Found(order, os.path.basename(part.path), part.name.file, lambda: files.read_file(part.path)))
            return
        inside = [Found(order, path, files.base(path), read, time) for path, read, time in files.found_in(part.path)]
        found += inside
        if len({name.id for each in inside if (name := names.of_platform(each.file, is_folder=False))}) > 1:
            self.notes.append("it holds the submissions of several students: mark it by itself")
        for archive in [each for each in inside if names.ending_of(each.file)]:  # in a platform's folder, or in another archive
            self._try(lambda archive=archive: found.extend(
                Found(order, f"{archive.path}/{path}", files.base(path), read, time)
                for path, read, time in files.found_inside(archive)), wrong)

    def _choose(self, found):
        """Of the files of each name, the latest; of those, the shallowest. Sources belong together: where folders have both, they are
        of one folder, the newest."""
        named = {wanted: [each for each in found if names.prefixed(each.file) == wanted] for wanted in (*SOURCES, ANSWERS)}
        pairs = [[min((each for each in named[wanted] if each.folder == folder), key=Found.age) for wanted in SOURCES]
                 for folder in sorted({each.folder for each in named[SOURCES[0]]} & {each.folder for each in named[SOURCES[1]]})]
        best = min(pairs, default=(), key=lambda pair: (-max(each.order for each in pair), -max(each.time for each in pair), pair[0].age()))
        for wanted in named:
            same = [each for each in best if each in named[wanted]]
            same += sorted((each for each in named[wanted] if each not in same), key=Found.age)
            if len(same) > 1:
                self.notes.append(text("{count} files {name}; {path} was taken", count=len(same), name=wanted, path=same[0].path))
            if same and wanted == ANSWERS:
                self._try(lambda first=same[0]: setattr(self, "answers", first.read()), self.notes)
            elif same:
                self.sources[wanted] = same[0].read()
                self._take_headers(same[0], found)
        for program, cell in self.given.items():
            if given.is_command(cell):
                self.sources.update({f"own/{each.path}": each.read() for each in found if not names.ending_of(each.file)})
                continue
            same = [each for each in found if each.path == cell or each.path.endswith("/" + cell)]
            if same:
                self.sources[program + ".cpp"] = same[0].read()
                self._take_headers(same[0], found)
            else:
                self.notes.append(text("{file}, which the teacher has named, is not there", file=cell))
        others = sorted(each.path for each in found if each.may_be_work())
        unread = [path for path in others if files.base(path).lower().startswith("answer")]
        if unread and not self.answers:
            self.notes.append(text("{file} is not read: answers are handed in as answers.txt or answers.md", file=unread[0]))
        if others and self.missing():
            self.notes.append(text("not known by its name: {names}" + (" and others" if len(others) > 3 else ""), names=", ".join(others[:3])))

    def missing(self):
        """The sources that are not there, and in whose place there is no command."""
        return [name for name in SOURCES if name not in self.sources and not given.is_command(self.given.get(name[:-len(".cpp")], ""))]

    def _take_headers(self, source, found):
        """Headers of the student's own, beside a source that includes them."""
        for each in found:
            name = each.file
            if each.folder == source.folder and name.endswith((".hpp", ".h")) and name != "common.hpp" and name not in self.sources and \
                    f'"{name}"'.encode() in source.read():
                self.sources[name] = each.read()
                self.notes.append(text("{file} was taken along", file=name))


class Found:
    """A file that was handed in: its path as it was handed in, what it is called, and how it is read."""

    WORK = (".cpp", ".cc", ".cxx", ".c", ".py", ".java", ".txt", ".html", ".pdf", ".doc", ".docx") + names.ARCHIVES + names.UNREADABLE
    NOT_THEIRS = {"common", "tests", "wire", "scripts", "build"}  # folders of the handout

    def __init__(self, order, path, file, read, time=0):
        self.order, self.path, self.file, self.read, self.time = order, path.replace("\\", "/"), file, read, time
        self.folder = self.path.rpartition("/")[0]

    def age(self):
        """Sorts the latest first; of the same age, the shallowest."""
        return (-self.order, self.path.count("/"), names.age_of(self.file), self.path)

    def may_be_work(self):
        """Whether it may be what was to be handed in, under a name that says nothing."""
        return not names.prefixed(self.file) and self.file.lower().endswith(self.WORK) and self.NOT_THEIRS.isdisjoint(self.path.split("/"))


class NoClass(Exception):
    """What was handed in seems to be of several students, and nothing says of whom."""


class HandedIn:
    """All that was handed in: a folder, or a platform's archive, which is unpacked into `place`. `entries`, by student; `strays`,
    what is nobody's; `problems`, what could not be unpacked, for Entry.read. Raises files.NotReadable, and NoClass."""

    def __init__(self, path, place):
        self.problems = {}
        is_archive = not os.path.isdir(path)
        if is_archive:
            os.mkdir(place, 0o700)
            self.problems = files.unpack_class(path, place)
            path = place
        self.strays = [os.path.basename(each) for each in self.problems if not os.path.lexists(each)]
        self.entries = []
        self._find(_inner(path, is_archive))
        servers = [name for each in self.entries for part in each.parts if part.kind == "folder"
                   for _, _, files_ in os.walk(part.path) for name in files_ if names.prefixed(name) == SOURCES[0]]
        if len(self.entries) == 1 and len(servers) > 2:
            raise NoClass(f"only one student is found, {self.entries[0].student}, with {len(servers)} files for server.cpp: if it is a class, "
                          "each needs a folder, or a name before its files")

    def _find(self, folder):
        by_student = {}
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            is_folder = os.path.isdir(path) or (os.path.islink(path) and not names.of_entry(name, is_folder=False))
            said = None if name.startswith(".") or name == "__MACOSX" else names.of_entry(name, is_folder)
            if not said:
                self.strays.append(name)
                continue
            kind = "folder" if is_folder else "archive" if names.ending_of(said.file) else "file"
            by_student.setdefault((said.id, "" if said.id else said.student), []).append(Part(path, said, kind))
        for (number, _), parts in by_student.items():
            entry = Entry(parts[-1].name.student, number)
            entry.parts, dropped = (parts, []) if parts[0].name.is_platforms else _of_one_kind(parts)
            attempts = sorted({part.name.attempt for part in entry.parts})
            if len(attempts) > 1:
                entry.parts = [part for part in entry.parts if part.name.attempt == attempts[-1]]
                entry.notes.append(text("{count} attempts; the latest, of {time}, was taken", count=len(attempts), time=attempts[-1]))
            if any(part.name.file in ("onlinetext", "text.html") for part in parts) and len(parts) > 1:
                entry.notes.append("there is a text that was typed on the platform, too: it is read there")
            called = sorted({part.name.student for part in parts})
            if len(called) > 1:
                entry.notes.append(text("the same number has several names: {names}", names=", ".join(called)))
            if dropped:
                entry.notes.append(text("beside it, not taken: {names}", names=", ".join(os.path.basename(part.path) for part in dropped)))
            self.entries.append(entry)

    def tell_apart(self, known):
        """Gives each student a name of its own: those who have the same get their number behind it. `known` has the numbers of
        students of other folders, by name."""
        called = [entry.student for entry in self.entries]
        taken = set(called) | set(known)
        for entry in self.entries:
            if entry.id and (called.count(entry.student) > 1 or known.get(entry.student, entry.id) != entry.id):
                name = f"{entry.student}_{entry.id}"
                while name in taken and known.get(name) != entry.id:
                    name += "_"
                taken.add(name)
                entry.student = name
        self.entries.sort(key=lambda entry: entry.student)


def _inner(folder, is_archive):
    """Where the entries are: there may be folders around them."""
    inner = folder
    while True:
        inside = [name for name in os.listdir(inner) if not name.startswith(".") and name != "__MACOSX"]
        place = os.path.join(inner, inside[0]) if len(inside) == 1 else ""
        if not place or os.path.islink(place) or not os.path.isdir(place) or names.of_platform(inside[0], True):
            return folder
        inner, there = place, os.listdir(place)
        if any(names.of_platform(name, os.path.isdir(os.path.join(inner, name))) for name in there) or \
                (is_archive and len(there) > 1 and not any(map(names.file_of, there))) or \
                sum(_is_whole(os.path.join(inner, name)) for name in there) > 1:
            return inner


def _is_whole(folder):
    """Whether a folder has all that is to be handed in."""
    return set(SOURCES) <= {names.file_of(name) for _, _, files_ in os.walk(folder) for name in files_}


def _of_one_kind(parts):
    """Of what one student's name is on, the folder; without one, the archive; without one, all bare files. And the rest."""
    ranks = {"folder": 0, "archive": 1, "file": 2}
    best = min(parts, key=lambda part: ranks[part.kind])
    taken = [part for part in parts if part is best or part.kind == best.kind == "file"]
    return taken, [part for part in parts if part not in taken]

