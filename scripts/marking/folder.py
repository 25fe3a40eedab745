"""Marks a folder of submissions, several at once."""
import os
import queue
import subprocess
import sys
import threading
import time

from . import entries, kit, results, sandbox
from .adjust import composed
from .marker import Marker, Stopped
from .store import Store, merged
from .tables import number


def say(text):
    """A line of progress, with control characters made visible: names are strangers', too."""
    print(results.visible(text.replace("\n", "\\n")), file=sys.stderr)


def mark_all(marker, store, todo, options):
    """Marks these entries, several at once; of those with the same programs the first, whose marks the others get. Returns how
    many markings failed."""
    waiting, same = queue.SimpleQueue(), {}
    for entry in todo:
        same.setdefault(kit.digest_of_programs(entry), []).append(entry)
    for entries_ in same.values():
        waiting.put(entries_)
    start, done, failed = time.monotonic(), [], []

    def work(slot):
        while not marker.stopped.is_set():
            try:
                entries_ = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                found = marker.mark(entries_[0], slot)
            except Stopped:
                return
            except Exception as error:  # whatever it is, the entry has its row
                found = {"status": "marking failed", "checks": {}, "notes": [f"{type(error).__name__}: {error}"], "output": ""}
            for entry in entries_:
                record = dict(found, notes=entry.notes + found["notes"], digest=entry.digest, folder=options.submissions)
                before = store.records.get(entry.student)
                if options.only and record["status"] != "marking failed":
                    record = merged(before, record, options.only)
                store.keep(entry, record)
                done.append(entry)
                failed.extend([entry] if record["status"] == "marking failed" else [])
                left = (time.monotonic() - start) / len(done) * (len(todo) - len(done))
                after = f"   (about {left / 60:.0f} min left)" if left >= 90 else f"   (about {left:.0f} s left)" if left >= 1 else ""
                score = results.score_of(store.records[entry.student], store.checks)
                say(f"[{len(done)}/{len(todo)}] {entry.student}  {number(score)}  {record['status']}{after}")

    threads = [threading.Thread(target=work, args=(slot,), daemon=True) for slot in range(min(options.jobs, max(len(todo), 1)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.1)  # so that Ctrl-C is heard
    return len(failed)


def compiles_here(marker):
    """Whether a right program compiles: if not, nobody's would."""
    entry = entries.Entry("")
    entry.sources = {name: b'#include "common.hpp"\nint main() { return 0; }\n' for name in entries.SOURCES}
    only, limit = marker.options.only, marker.options.timeout
    marker.options.only, marker.options.timeout = ["compiles"], 120
    record = marker.mark(entry, 0)
    marker.options.only, marker.options.timeout = only, limit
    return record["checks"].get("compiles", {}).get("status") == "passed"


def _may_be_busy(found):
    """Whether a busy machine may be the cause of what a check found: nothing came, or late. Wrong bytes are wrong on any machine."""
    said = {part["label"]: part["text"] for part in found.get("parts", [])}
    return said.get("received", "").startswith(("nothing", "no ")) or \
        any(word in each for each in said.values() for word in ("pause", " after ", "one after another", "at work"))


def try_again_alone(marker, store, todo, options):
    """Tests that measure time are run once more when nothing else runs, where they alone have failed: of the same programs once."""
    timed = {check.name for check in store.checks if check.measures_time}
    tried = {}
    for entry in todo if options.jobs > 1 else []:
        programs = kit.digest_of_programs(entry)
        record = store.records[entry.student]
        failed = {name for name, found in record["checks"].items() if found["status"] == "failed"}
        doubtful = any(_may_be_busy(record["checks"][name]) for name in failed)
        if record["status"] == "ok" and failed <= timed and doubtful and not marker.stopped.is_set():
            before, options.only = options.only, sorted({name for name, found in record["checks"].items()
                                                         if found["status"] != "passed"})
            if programs not in tried:
                tried[programs] = marker.mark(entry, 0)
            again = dict(tried[programs], notes=entry.notes + tried[programs]["notes"], digest=entry.digest, folder=options.submissions)
            if again["status"] == "ok" and any(each["status"] == "passed" for name, each in again["checks"].items()
                                               if name in options.only):
                store.keep(entry, merged(record, again, options.only))
                say(f"alone: {entry.student}  {number(results.score_of(store.records[entry.student], store.checks))}")
            options.only = before


def mark_folder(options, checks, box, work, handed_in):
    """Marks what was handed in. Returns the exit status."""
    os.chmod(work, 0o711)  # a submission's user has a folder in it
    say("preparing the checks")
    program = kit.build(work)
    isolates = subprocess.run([program, "--can-isolate"], check=False, env=dict(os.environ, **box.environment)).returncode == 0
    options.shares = not (box.has_bwrap and isolates)  # programs of several checks, and submissions, meet
    if box.has_bwrap and not isolates:
        box.weaknesses.append("Submissions use this machine's network: it allows no network of one's own.")
    for weakness in box.weaknesses:
        say("not protected: " + weakness)
    if options.shares and not options.unprotected:
        say("mark: submissions are strangers' programs, and cannot be shut in here. --unprotected marks them all the same.")
        return 1
    options.jobs = 1 if options.shares else options.jobs or min(len(os.sched_getaffinity(0)), sandbox.MOST)
    store = Store(options.out, checks, options.language)
    handed_in.tell_apart({student: record["id"] for student, record in store.records.items()
                          if record.get("id") and record.get("folder") != options.submissions})
    others = [entry.student for entry in handed_in.entries if not entry.id and
              store.records.get(entry.student, {}).get("folder", options.submissions) != options.submissions]
    if others:
        say("marked in another folder, too, and taken for the same students: " + ", ".join(others))
    found, students = handed_in.entries, {entry.student for entry in handed_in.entries}
    nobody = store.adjust(options.adjust, found)
    judge = kit.digest(work) + options.language.encode()
    todo = []
    for entry in found:
        entry.given = options.given.pop(composed(entry.student), None) or options.given.pop(entry.id, {})
        entry.read(handed_in.problems)
        entry.digest = kit.digest_of(entry, judge)
        known = store.records.get(entry.student)
        if options.again or options.only or not known or known["digest"] != entry.digest or \
                known["status"] == "marking failed" or known.get("retry"):
            todo.append(entry)
        else:
            store.renew(entry)
    if len(todo) < len(found):
        say(f"{len(found) - len(todo)} of {len(found)} are marked, and have not changed (--again marks them, too)")
    marker = Marker(options, checks, program, box, work)
    try:
        if todo and not compiles_here(marker):
            say("mark: marking cannot work here: not even a plain program compiles in the sandbox.")
            return 1
        failed = mark_all(marker, store, todo, options)
        try_again_alone(marker, store, todo, options)
    except KeyboardInterrupt:
        say("mark: stopped. What is done is kept; the same command goes on from here.")
        marker.stopped.set()
        end = time.monotonic() + 15
        while marker.running and time.monotonic() < end:
            time.sleep(0.02)
        store.finish(options.submissions, students, handed_in.strays)
        return 130
    finally:
        for slot in range(options.jobs):
            box.clean_up(box.user(slot))
    print(results.visible(store.finish(options.submissions, students, handed_in.strays)), end="")
    for sentence in store.hand_back(options):
        say(sentence)
    if options.given:
        say("--given: there is no such student: " + ", ".join(options.given))
    if nobody:
        say("--adjust: kept for when there is such a student in marks.csv: " + ", ".join(nobody))
    say(f"mark: see {os.path.relpath(options.out)}/marks.csv")
    return 1 if failed else 0
