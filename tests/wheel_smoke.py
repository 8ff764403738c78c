"""Install the wheel in a fresh environment, as an operator would, and run it there. Usage: wheel_smoke.py DIRECTORY."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0


def main(dist: Path) -> None:
    [wheel] = dist.resolve().glob("*.whl")
    with tempfile.TemporaryDirectory(prefix="wheel-smoke-") as scratch:
        place = Path(scratch)
        # The checkout must be out of sight: only what the wheel brought may be found.
        os.chdir(place)
        python = install(wheel, place / "venv")
        command = python.with_name("statuspage")
        version = run(command, "--version").strip()
        if f"-{version}-" not in wheel.name:
            raise SystemExit(f"the command calls itself {version}, the wheel is {wheel.name}")
        for name in ("templates", "config"):
            find_shipped(python, name)
        serve(command, place)
    print(f"wheel-smoke: {wheel.name} works in a fresh environment")


def install(wheel: Path, target: Path) -> Path:
    venv.create(target, with_pip=True)
    python = target / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "install", "--require-hashes", "-r", CHECKOUT / "requirements.lock")
    run(*pip, "install", "--no-deps", wheel)
    run(*pip, "check")
    return python


def find_shipped(python: Path, name: str) -> None:
    found = Path(run(python, "-c", f"from statuspage import bundled; print(bundled.{name}())").strip())
    if not found.is_relative_to(python.parent.parent):
        raise SystemExit(f"{name} were found at {found}, outside the environment")
    missing = files(CHECKOUT / name) ^ files(found)
    if missing or not files(found):
        raise SystemExit(f"{name} of wheel and checkout differ by: {sorted(map(str, missing))}")


def files(directory: Path) -> set[Path]:
    return {path.relative_to(directory) for path in directory.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def serve(command: Path, place: Path) -> None:
    public, internal = free_port(), free_port()
    example = (CHECKOUT / "config" / "examples" / "minimal.yaml").read_text(encoding="utf-8")
    config = place / "statuspage.yaml"
    config.write_text(f"{example}\nlisten: {{public: '127.0.0.1:{public}', internal: '127.0.0.1:{internal}'}}\n", encoding="utf-8")
    run(command, "check-config", config)
    with subprocess.Popen([command, "serve", "--config", config, "--data-dir", place / "data"]) as service:
        try:
            wait_until_healthy(service, f"http://127.0.0.1:{public}/healthz")
        finally:
            service.terminate()
    if service.returncode != 0:
        raise SystemExit(f"asked to stop, the service left with {service.returncode}")


def wait_until_healthy(service: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while service.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit(f"{url} did not answer 200 within {PATIENCE} s; exit code of the service: {service.poll()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(*command: str | Path) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=bare_environment())
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} left with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def bare_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "STATUSPAGE"))}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
