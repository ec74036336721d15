"""`reasonflux report RUN…`: one page of one or several runs, or their tables for papers and spreadsheets."""

from argparse import ArgumentParser, Namespace

from reasonflux.cli.command import Command, console
from reasonflux.storage.store import Store


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run directories or URIs of any job")
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--out", metavar="FILE", help="the page; default: report.html in the run, or here for several")
    told.add_argument("--csv", metavar="FOLDER", help="every table as a CSV file there, and no page")
    told.add_argument("--latex", action="store_true", help="print every table as LaTeX (booktabs), and no page")
    told.add_argument("--markdown", action="store_true", help="print every table as Markdown, and no page")


def _run(arguments: Namespace) -> int:
    from reasonflux.evals.report import tables  # here: what it draws and computes with takes a second to import
    from reasonflux.evals.report.reading import read_runs
    from reasonflux.evals.report.writing import FILE, report

    if arguments.latex or arguments.markdown:
        form = tables.latex if arguments.latex else tables.markdown
        print(form(read_runs(arguments.runs)), end="")
        return 0
    if arguments.csv:
        place = Store.at(arguments.csv)
        for name, data in tables.csv_files(read_runs(arguments.runs)).items():
            place.put(name, data)
            console().print(f"{place.uri}/{name}", soft_wrap=True)
        return 0
    home = arguments.runs[0] if len(arguments.runs) == 1 else "."
    folder, _, name = (arguments.out or f"{Store.at(home).uri}/{FILE}").rpartition("/")
    place = Store.at(folder or ("/" if (arguments.out or "").startswith("/") else "."))
    place.put(name, report(arguments.runs))
    console().print(f"report: {place.uri}/{name}", soft_wrap=True)
    return 0


COMMAND = Command(help="one page of one or several runs, or their tables", arguments=_arguments, run=_run)
