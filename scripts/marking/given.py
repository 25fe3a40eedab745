"""What a teacher says of submissions whose files have other names, or which are in another language: student, server, client. A cell
is the name of a file that was handed in, or a command that starts the program, with {port} in it, and {delay}."""
from .adjust import composed
from .tables import NotATable, Table, unsafe

PROGRAMS = ("server", "client")


def read(path):
    """By student, the cells of each program that are filled in."""
    table = Table(path)
    head = [text.strip().lower() for text in table.heading]
    missing = [name for name in ("student", *PROGRAMS) if name not in head]
    if missing:
        raise NotATable(f"{path} has no column '{missing[0]}': its first row has to be student,server,client")
    found = {}
    for row in table.rows:
        cells = {name: table.cell(row, head.index(name)) for name in ("student", *PROGRAMS)}
        found[composed(unsafe(cells["student"]))] = {name: cells[name] for name in PROGRAMS if cells[name]}
    return found


def is_command(cell):
    """Whether a cell is a command, and not the name of a file."""
    return "{port}" in cell
