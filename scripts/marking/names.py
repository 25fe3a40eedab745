"""What the names of files and folders say: whose they are, as Canvas and Moodle name what they let a teacher download, and what
is in them, as students and browsers name it.

    Canvas   NAME[_LATE]_USERID_FILEID_FILE, NAME[_LATE]_USERID_text.html     lib/content_zipper.rb, add_submission
    Blackboard   TITLE_USERNAME_attempt_2026-11-26-10-00-00_FILE
    Brightspace  1234-567 - FULL NAME - Nov 26, 2026 1000 AM/..., or ... - FILE
    Moodle   FULL NAME_1234_assignsubmission_PLUGIN/..., ..._PLUGIN_FILE      mod/assign/feedback/file/importziplib.php"""
import re
import time

SOURCES = ("server.cpp", "client.cpp")
ANSWERS = "answers"
ARCHIVES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip")
UNREADABLE = (".rar", ".7z")  # somebody's submission all the same

_CANVAS = re.compile(r"(?P<student>.+?)(?P<late>_LATE)?_(?P<id>\d+)_(?:(?P<order>\d+)_(?P<file>.+)|(?P<entry>text|link)\.html)", re.DOTALL)
_BLACKBOARD = re.compile(r".+_(?P<student>[^_]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})_(?P<file>.+)", re.DOTALL)
_BRIGHTSPACE = re.compile(r"(?P<id>\d+)-\d+ - (?P<student>.+) - (?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{3,4} [AP]M)(?: - (?P<file>.+))?", re.DOTALL)
_ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<student>anon_[^_]+)_(?:(?P<order>\d+)_(?P<file>.+)|(?P<entry>text|link)\.html)",
                        re.DOTALL)
_MOODLE = re.compile(r"(?P<student>.+?)_(?P<id>\d+)_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?", re.DOTALL)
# server.cpp, Server.cpp, server-1.cpp, server (1).cpp, server copy.cpp, server - Copy (2).cpp: what a second copy is called
_COPY = r"(?P<copy>(?:[ _-]*(?:copy|kopie|copie|copia|副本|拷贝))?(?:(?:[ _-]+\(?|\()(?P<number>\d{1,4})\)?)?" \
    r"(?:[ _-]*\((?:copy|副本)\))?)"
_COPY_OF_ANSWERS = _COPY.replace("P<", "P<answers_")
_FILE = re.compile(rf"(?:(?P<source>server|client){_COPY}\.cpp(?:\.txt)?|(?:answers?|答案){_COPY_OF_ANSWERS}\.(?:txt|md)(?:\.txt)?)", re.IGNORECASE)


class Name:
    """What the name of something that was handed in says. `id` is the platform's number of the student, or empty; `order`
    grows with time; `file` is what the student called it, or empty for a folder."""

    def __init__(self, student, file, **more):
        self.student, self.file = student, file
        self.id, self.order = more.get("id", ""), more.get("order", 0)
        self.attempt = more.get("attempt", "")  # when, so that the latest is the last
        self.is_late, self.is_platforms = more.get("is_late", False), more.get("is_platforms", False)


def ending_of(name):
    """The ending of an archive, with its dot; empty if it is none."""
    lower = name.lower()
    return next((each for each in ARCHIVES + UNREADABLE if lower.endswith(each) and len(name) > len(each)), "")


def of_platform(name, is_folder):
    """What a name says that a platform gave; None if none did."""
    match = _MOODLE.fullmatch(name)
    if match and (is_folder or match["file"]):
        file = "" if is_folder else match["file"]
        return Name(match["student"], file or (match["plugin"] if match["plugin"] != "file" else ""), id=match["id"], is_platforms=True)
    attempt = _of_attempt(name, is_folder)
    if is_folder or attempt:
        return attempt
    match = _ANONYMOUS.fullmatch(name)
    if match:
        return Name(match["student"], match["file"] or match["entry"] + ".html", order=int(match["order"] or 0),
                    is_late=bool(match["late"]), is_platforms=True)
    return _of_canvas(name)


def _of_canvas(name):
    """What a name says that Canvas gave: the first two parts that are all digits are the student's number and the file's."""
    match = _CANVAS.fullmatch(name)
    if not match:
        return None
    return Name(match["student"], match["file"] or match["entry"] + ".html", id=match["id"], order=int(match["order"] or 0),
                is_late=bool(match["late"]), is_platforms=True)


def _of_attempt(name, is_folder):
    """What a name says that Blackboard or Brightspace gave, which keep each attempt."""
    match = _BRIGHTSPACE.fullmatch(name) or (None if is_folder else _BLACKBOARD.fullmatch(name))
    if not match or is_folder == bool(match["file"]):
        return None
    said = match.groupdict()
    when = said["time"] if "id" not in said else _when(said["time"])
    return Name(said["student"], said["file"] or "", id=said.get("id", ""), attempt=when, is_platforms=True)


def _when(said):
    """Brightspace's time, as it sorts: Nov 9, 2026 130 PM."""
    day, clock, half = said.rsplit(" ", 2)
    return time.strftime("%Y-%m-%d-%H-%M-%S", time.strptime(f"{day} {clock[:-2]}:{clock[-2:]} {half}", "%b %d, %Y %I:%M %p"))


def of_entry(name, is_folder):
    """What the name of an entry says; None if it is nobody's."""
    found = of_platform(name, is_folder)
    if found:
        return found
    if is_folder:
        return Name(name, "")
    ending = ending_of(name)
    if ending:
        return Name(name[:-len(ending)], name)
    student, _, _ = name.rpartition("_")  # NAME_server.cpp, NAME_server_1.cpp
    while student:
        if file_of(name[len(student) + 1:]):
            return Name(student, name[len(student) + 1:])
        student, _, _ = student.rpartition("_")
    return None


def file_of(name):
    """Which of the files that are handed in this is, server.cpp, client.cpp or ANSWERS; empty if it is none."""
    match = _FILE.fullmatch(name)
    return "" if not match else match["source"].lower() + ".cpp" if match["source"] else ANSWERS


def prefixed(name):
    """The same of a file whose owner has put a name or a number before it: 20241234_server.cpp."""
    return file_of(name) or file_of(re.split(r"[_ -]", name, maxsplit=1)[-1]) or file_of(name.rpartition("_")[2])


def is_wanted(name):
    """Whether a file may be of use: what is handed in, a header that it includes, an archive."""
    return bool(prefixed(name) or ending_of(name) or name.endswith((".hpp", ".h")))


def age_of(name):
    """Sorts names of the same file, the latest first: browsers and platforms count later ones up; one that is called a copy is
    of an earlier state, and the plain name comes before it."""
    match = _FILE.fullmatch(name)
    if not match:
        return (True, 0, True, name)
    is_copy = bool(re.search(r"[^\W\d_]", match["copy"] or match["answers_copy"] or ""))
    return (is_copy, -int(match["number"] or match["answers_number"] or 0), name != name.lower(), name)
