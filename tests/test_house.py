"""The rules of the house that no other tool can hold."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ROOMS = ("probes", "incidents", "statuspage")
SOURCES = sorted(path for room in ROOMS for path in (CHECKOUT / room).rglob("*.py"))

# Beside the standard library's values, what a pure module may import.
PURE_IMPORTS = {
    "bisect", "calendar", "collections", "dataclasses", "datetime", "enum", "fractions", "functools", "hashlib", "heapq", "itertools",
    "math", "operator", "re", "string", "types", "typing", "unicodedata", "urllib", "zoneinfo",
    "dateutil",
    "incidents", "probes",
}  # fmt: skip
PURE_MODULES = [
    path
    for path in SOURCES
    if path.is_relative_to(CHECKOUT / "incidents")
    or path == CHECKOUT / "probes" / "result.py"
    or path.is_relative_to(CHECKOUT / "statuspage" / "picture")
]

# What opens a way to the world. Only the egress door and its look-ups may; the plugin kind runs the operator's own program.
DOORS = {
    "create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell", "Popen", "popen", "posix_spawn",
    "open_connection", "open_unix_connection", "create_connection", "create_datagram_endpoint", "create_unix_connection",
    "sock_connect", "sock_sendto", "connect_ex", "fromfd", "TCPConnector", "UnixConnector",
    "getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "getfqdn",
}  # fmt: skip
DOTTED_DOORS = {"socket.socket", "os.system", "os.execv", "os.fork", "aiohttp.request", "urllib.request"}
DOOR_MODULES = {
    "subprocess", "multiprocessing", "pty", "ctypes", "urllib.request", "http.client", "xmlrpc.client",
    "dns.query", "dns.asyncquery", "dns.resolver", "dns.asyncresolver", "dns.zone",
}  # fmt: skip
DOORKEEPERS = {
    "egress.py": {"create_connection", "create_datagram_endpoint", "socket.socket"},
    "lookup.py": {"getaddrinfo", "create_datagram_endpoint"},
    "plugin.py": {"subprocess", "Popen"},
}
PLANTED = [
    "asyncio.open_connection('h', 1)",
    "import asyncio as aio\naio.open_connection('h', 1)",
    "from asyncio import open_connection",
    "from asyncio import open_connection as reach",
    "asyncio.get_running_loop().create_connection(P, 'h', 1)",
    "dial = loop.create_connection\ndial(P, 'h', 1)",
    "loop.create_datagram_endpoint(P, remote_addr=('h', 1))",
    "await loop.sock_connect(s, ('h', 1))",
    "getattr(loop, 'create_connection')(P, 'h', 1)",
    "loop.getaddrinfo('h', 1)",
    "socket.getaddrinfo('h', 1)",
    "socket.socket()",
    "import socket as s\ns.socket()",
    "from socket import socket",
    "asyncio.create_subprocess_exec('sh')",
    "asyncio.create_subprocess_shell('sh')",
    "import subprocess",
    "from subprocess import run",
    "os.system('sh')",
    "from os import system",
    "import urllib.request",
    "from urllib import request",
    "import dns.query",
    "from dns import asyncquery",
    "from dns.asyncresolver import Resolver",
    "aiohttp.request('GET', 'http://h')",
    "aiohttp.TCPConnector()",
    "importlib.import_module('subprocess')",
]


def ids(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(tree: ast.AST) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return names


def kept_files() -> list[Path]:
    """Every file that belongs to the project: what git knows and what it would be told of next."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := CHECKOUT / name).is_file()]


def test_no_room_looks_to_its_right() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=CHECKOUT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name == "__init__.py"], ids=ids)
def test_a_package_is_a_docstring_and_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


@pytest.mark.parametrize("path", PURE_MODULES, ids=ids)
def test_judgement_and_picture_import_values_only(path: Path) -> None:
    names = imported(ast.parse(path.read_text(encoding="utf-8")))
    if path.is_relative_to(CHECKOUT / "statuspage"):  # the picture's own parts, and not a word of the configuration
        names = {name for name in names if not name.startswith("statuspage.picture")}
    assert {name.partition(".")[0] for name in names} <= PURE_IMPORTS


@pytest.mark.parametrize("path", sorted((CHECKOUT / "probes").rglob("*.py")), ids=ids)
def test_a_probe_leaves_by_the_egress_door(path: Path) -> None:
    assert ways_out(path.read_text(encoding="utf-8")) <= DOORKEEPERS.get(path.name, set())


@pytest.mark.parametrize("planted", PLANTED)
def test_no_way_round_the_egress_door_goes_unseen(planted: str) -> None:
    assert ways_out(f"async def measure():\n    {planted.replace(chr(10), chr(10) + '    ')}\n")


def ways_out(source: str) -> set[str]:
    """Every way to the world that *source* names: called or handed on, under its own name or another, or as a text."""
    found: set[str] = set()
    modules: dict[str, str] = {}
    tree = without_annotations(ast.parse(source))
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                modules |= {alias.asname: alias.name for alias in node.names if alias.asname}
                found |= {alias.name for alias in node.names} & DOOR_MODULES
            case ast.ImportFrom():
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= (
                    whole & (DOTTED_DOORS | DOOR_MODULES)
                    | {node.module or ""} & DOOR_MODULES
                    | {alias.name for alias in node.names} & DOORS
                )
            case ast.Constant(value=str(text)):
                found |= {text} & (DOORS | DOOR_MODULES)
            case ast.Name():
                found |= {node.id} & DOORS
            case ast.Attribute():
                found |= {node.attr} & DOORS
            case _:
                pass
    return found | {name for name in dotted(tree, modules) if name in DOTTED_DOORS}


def without_annotations(tree: ast.AST) -> ast.AST:
    """Take types off: what is handed a socket opens none."""
    for node in ast.walk(tree):
        match node:
            case ast.arg():
                node.annotation = None
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                node.returns = None
            case ast.AnnAssign():
                node.annotation = ast.Constant(None)
            case _:
                pass
    return tree


def dotted(tree: ast.AST, modules: dict[str, str]) -> Iterator[str]:
    """Every name with dots in *tree*, by the module's own name where it was imported under another."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, dot, rest = ast.unparse(node).partition(".")
            yield modules.get(first, first) + dot + rest


@pytest.mark.parametrize("path", sorted((CHECKOUT / "probes").rglob("*.py")), ids=ids)
def test_a_client_session_is_handed_its_connector(path: Path) -> None:
    sessions = [call for name, call in called(ast.parse(path.read_text(encoding="utf-8"))) if name.rpartition(".")[2] == "ClientSession"]
    assert all("connector" in {keyword.arg for keyword in call.keywords} for call in sessions)


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_functions_and_files_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if path.parent.name == "versions":  # a migration is one list of statements, in order, and is not touched again
        lengths.clear()
    assert {name: length for name, length in lengths.items() if length > 50} == {}
    assert text.count("\n") <= 400


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_by_hash_and_holds_no_address(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^[A-Za-z0-9_.-]+(?:\[[a-z,]+\])?==\S+", text, re.MULTILINE)
    assert len(pins) > 20
    assert "://" not in text
    assert not re.search(r"^\s*--?(?:index-url|extra-index-url|find-links|trusted-host|i|f)\b", text, re.MULTILINE)
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)


def test_running_and_developing_pin_the_same_versions() -> None:
    runtime, development = (
        set(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)", (CHECKOUT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime <= development


def test_the_first_commands_in_the_readme_are_those_that_ci_runs() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- first commands:.*?-->\n```sh\n(.*?)```", readme, re.DOTALL)
    assert block
    assert block[1].splitlines() == ["make run", "make test"]
    targets = makefile_targets()
    assert {"run", "test"} <= targets.keys()
    assert "make test" in targets["check"].replace("$(MAKE) --no-print-directory", "make")
    assert (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make check")


def test_every_make_command_in_the_documents_exists() -> None:
    targets = makefile_targets()
    pages = [path for path in kept_files() if path.suffix == ".md"]
    named = {word for page in pages for word in re.findall(r"(?m)(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert named >= {"run", "test", "check"}
    assert named <= targets.keys()


def makefile_targets() -> dict[str, str]:
    text = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^([a-z-]+):.*\n((?:\t.*\n)*)", text))


def test_a_missing_python_is_one_clear_line(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", CHECKOUT / ".ci" / "venv", tmp_path / "venv"],
        env={"PATH": str(tmp_path), "PYTHON": "no-such-python"}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_an_old_python_is_passed_over_and_one_without_venv_says_what_to_install(tmp_path: Path) -> None:
    for name, script in {"python3": "exit 1", "python3.13": 'case "$2" in *version_info*) exit 0;; *) exit 1;; esac'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", CHECKOUT / ".ci" / "venv", tmp_path / "venv"],
        env={"PATH": str(tmp_path)}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("python3.13 ")
    assert "apt install python3-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_file_points_outside_the_project() -> None:
    own_places = re.compile(r"(?<![\w.:/*}~-])/(?:root|home|work|mnt|Users)/")
    pages = {".md", ".toml", ".yaml", ".yml", ".sh", ".cfg", ""}
    found = []
    for path in kept_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture points nowhere
        found += [f"{ids(path)}: {match[0]}" for match in own_places.finditer(text)]
        if path.suffix in pages:
            climbs = re.findall(r"(?:\.\./)+[\w.-]*", text)
            found += [f"{ids(path)}: {climb}" for climb in climbs if leaves(path.parent, climb)]
    assert found == []


def leaves(directory: Path, climb: str) -> bool:
    return not Path(os.path.normpath(directory / climb)).is_relative_to(CHECKOUT)
