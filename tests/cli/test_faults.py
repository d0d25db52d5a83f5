"""What a machine does to a run: signals, full disks, closed streams, folders that take no file."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the faults are those of POSIX")

COMMAND = [sys.executable, "-m", "dropout_cli"]
WRITES = [["forward", "-o", "o.json"], ["walkthrough", "-o", "o.md"], ["plot", "-o", "o.svg"]]
ENDED = {2: 130, 15: 143, 1: 129}  # SIGINT, SIGTERM, SIGHUP, which Windows has not


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("writes", "kills"), [(WRITES[:1], 4), slow(WRITES, 24)])
def test_a_signal_leaves_the_old_file_or_the_new_one(tmp_path, writes, kills):
    """Other tests hold its exit code, which a library that is being imported can change."""
    for args in writes:
        subprocess.run([*COMMAND, *args], check=True, capture_output=True)
    whole = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    rng = random.Random(0)
    for k in range(kills):
        args, number = writes[k % len(writes)], [*ENDED, signal.SIGKILL][k // len(writes) % 4]
        path = tmp_path / args[-1]
        path.write_bytes(b"old")
        with subprocess.Popen(
            [*COMMAND, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            time.sleep(rng.uniform(0.05, 1.0 if args[0] == "plot" else 0.35))
            running.send_signal(number)
        assert path.read_bytes() in (b"old", whole[path.name])
        if running.returncode == 0:
            assert path.read_bytes() == whole[path.name]
        left = {each.name for each in tmp_path.iterdir()} - whole.keys()
        assert all(name.startswith(".dropout-cli-") for name in left)
        assert not left or number == signal.SIGKILL
        for name in left:
            (tmp_path / name).unlink()


CLOSED = [closed for n in range(1, 4) for closed in itertools.combinations("012", n)]


@pytest.mark.parametrize("closed", ["0", "1", *(slow(closed) for closed in CLOSED)])
@pytest.mark.parametrize(
    "args",
    [
        "forward -x -",
        *map(slow, ["forward", "--help", "plot", "walkthrough --pause"]),
    ],
)
def test_closed_streams(closed, args):
    shut = " ".join(f"{stream}>&-" for stream in closed)
    line = f"{sys.executable} -m dropout_cli {args} {shut}"
    stdin = None if "0" in closed else b"1 2 3"
    done = subprocess.run(["bash", "-c", line], input=stdin, capture_output=True)
    assert done.returncode in (0, 2)
    assert b"Traceback" not in done.stderr
    assert b"a defect" not in done.stderr
    if "1" in closed:
        assert done.returncode == 2
    elif args in ("forward", "--help"):
        assert (done.returncode, done.stdout != b"") == (0, True)


@pytest.mark.parametrize("args", ["--help", *map(slow, ["walkthrough", "--version"])])
def test_a_reader_that_has_gone(args):
    line = f"{sys.executable} -m dropout_cli {args} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
    assert done.returncode in (0, 141)  # 0 where all was written before the reader went
    assert done.stderr == b""


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_takes_no_file(tmp_path):
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    done = subprocess.run([*COMMAND, "forward", "-o", str(shut / "o.md")], capture_output=True)
    assert done.returncode == 2
    assert b"Permission denied" in done.stderr


def test_links_and_what_is_no_file(tmp_path):
    def refused(path):
        done = subprocess.run([*COMMAND, "forward", "-o", path], capture_output=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(f"Error: cannot write {path}: ".encode())
        assert done.stderr.count(b"\n") == 1

    (tmp_path / "folder.md").mkdir()
    refused("folder.md")
    (tmp_path / "file").write_text("")
    refused("file/o.md")
    (tmp_path / "dangling.md").symlink_to("aim.md")
    subprocess.run([*COMMAND, "forward", "-o", "dangling.md"], check=True, capture_output=True)
    assert (tmp_path / "aim.md").is_file()
    assert (tmp_path / "dangling.md").is_symlink()
    assert not list(tmp_path.glob(".dropout-cli-*"))


@pytest.mark.slow
def test_homes_and_settings_that_cannot_be_used(tmp_path):
    environment = {**os.environ, "HOME": "/nowhere", "MPLCONFIGDIR": "/nowhere", "LC_ALL": "C"}
    environment |= {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"}
    for args in ([*WRITES[2]], ["walkthrough"], ["verify", "--lang", "zh"]):
        done = subprocess.run(
            [*COMMAND, *args], env=environment, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.svg").is_file()


@pytest.mark.slow
def test_the_mode_is_the_umask_s_or_the_old_file_s(tmp_path):
    def mode(umask):
        line = f"umask {umask}; {sys.executable} -m dropout_cli forward -o o.md"
        subprocess.run(["bash", "-c", line], check=True, capture_output=True)
        return (tmp_path / "o.md").stat().st_mode & 0o777

    assert mode("077") == 0o600
    (tmp_path / "o.md").chmod(0o640)
    assert mode("022") == 0o640


@pytest.mark.parametrize(
    ("args", "says"),
    [
        slow("plot", "No such file or directory"),
        slow("forward -o o.json", "No such file or directory"),
        ("verify --layer a:b", "No such file or directory"),
    ],
)
def test_a_folder_that_was_removed(tmp_path, args, says):
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f"cd {gone} && rmdir {gone} && {sys.executable} -m dropout_cli {args}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "standard output" not in done.stderr


@pytest.mark.slow
def test_a_pipe_that_does_not_wait_is_an_error(tmp_path):
    """Nobody reads, and what does not fit is not lost in silence."""
    (tmp_path / "x.txt").write_text(" ".join(["0.123456789"] * 20_000))
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    done = subprocess.run(
        [*COMMAND, "forward", "-x", "@x.txt", "-f", "json"], stdout=writer, stderr=subprocess.PIPE
    )
    os.close(reader)
    os.close(writer)
    assert done.returncode == 2
    assert done.stderr.startswith(b"Error: the operating system refused: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("number", "code"),
    [slow(signal.SIGTERM, 143), slow(signal.SIGHUP, 129), (signal.SIGINT, 130)],
)
def test_a_signal_while_a_layer_runs_ends_the_run(tmp_path, number, code):
    """Although whatever a layer raises is its fault."""
    (tmp_path / "slow_layers.py").write_text(
        "import time\n"
        "def run(x, grad_y, p, training):\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(20)\n"
    )
    command = [*COMMAND, "verify", "--layer", "slow_layers:run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr.readline() == b"begun\n"
        running.send_signal(number)
        assert running.communicate(timeout=10) == (b"", b"")
    assert running.returncode == code
