"""What the names of files and folders say: whose they are, as Canvas and Moodle name what they let a teacher download, and what
is in them, as students and browsers name it.

    Canvas   NAME[_LATE]_USERID_FILEID_FILE, NAME[_LATE]_USERID_text.html     lib/content_zipper.rb, add_submission
    Moodle   FULL NAME_1234_assignsubmission_PLUGIN/..., ..._PLUGIN_FILE      mod/assign/feedback/file/importziplib.php"""
import re

SOURCES = ("server.cpp", "client.cpp")
ANSWERS = "answers"
ARCHIVES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip")
UNREADABLE = (".rar", ".7z")  # somebody's submission all the same

_CANVAS = re.compile(r"_(?P<id>\d+)_(?:(?P<order>\d+)_(?P<file>.+)|(?P<entry>text|link)\.html)", re.DOTALL)
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
        self.is_late, self.is_platforms = more.get("is_late", False), more.get("is_platforms", False)


def ending_of(name):
    """The ending of an archive, with its dot; empty if it is none."""
    lower = name.lower()
    return next((each for each in ARCHIVES + UNREADABLE if lower.endswith(each) and len(name) > len(each)), "")


def of_platform(name, is_folder, called=()):
    """What a name says that Canvas or Moodle gave; None if neither did. `called` are names that are known from others."""
    match = _MOODLE.fullmatch(name)
    if match and (is_folder or match["file"]):
        file = "" if is_folder else match["file"]
        return Name(match["student"], file or (match["plugin"] if match["plugin"] != "file" else ""), id=match["id"], is_platforms=True)
    if is_folder:
        return None
    match = _ANONYMOUS.fullmatch(name)
    if match:
        return Name(match["student"], match["file"] or match["entry"] + ".html", order=int(match["order"] or 0),
                    is_late=bool(match["late"]), is_platforms=True)
    return _of_canvas(name, called)


def _of_canvas(name, called):
    """What a name says that Canvas gave. NAME may end with a number, too, as group_1: then three stand in a row, the second is the
    student's, and the third, the file's, is the larger one; what is `called` is such a NAME. A student who calls a file so cannot
    choose whose it is."""
    for start in (place.start() for place in re.finditer("_", name) if place.start()):
        first, second = _CANVAS.fullmatch(name, start), _CANVAS.fullmatch(name, name.find("_", start + 1))
        if not first:
            continue
        match = first
        if second and (name[:second.start()] in called or second["entry"] or (
                (file_of(second["file"]) or ending_of(second["file"])) and int(second["order"]) > int(second["id"]))):
            match = second
        student = name[:match.start()]
        is_late = student.endswith("_LATE") and len(student) > len("_LATE")
        return Name(student.removesuffix("_LATE") if is_late else student, match["file"] or match["entry"] + ".html", id=match["id"],
                    order=int(match["order"] or 0), is_late=is_late, is_platforms=True)
    return None


def of_entry(name, is_folder, called=()):
    """What the name of an entry says; None if it is nobody's."""
    found = of_platform(name, is_folder, called)
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


def age_of(name):
    """Sorts names of the same file, the latest first: browsers and platforms count later ones up; one that is called a copy is
    of an earlier state, and the plain name comes before it."""
    match = _FILE.fullmatch(name)
    is_copy = bool(re.search(r"[^\W\d_]", match["copy"] or match["answers_copy"] or ""))
    return (is_copy, -int(match["number"] or match["answers_number"] or 0), name != name.lower(), name)
