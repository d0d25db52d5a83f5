"""What a machine does to a run: signals, full disks, closed streams, folders that take no file."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import COMMAND, program, shell, slow

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the faults are those of POSIX")

WRITES = [["forward", "-o", "o.json"], ["walkthrough", "-o", "o.md"], ["plot", "-o", "o.svg"]]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# Signals


@pytest.mark.parametrize(("writes", "kills"), [(WRITES[:1], 4), slow(WRITES, 24)])
def test_a_signal_leaves_the_old_file_or_the_new_one(tmp_path, writes, kills):
    """The next test checks the exit code, which a library that is being imported can change."""
    for args in writes:
        program(*args, check=True)
    whole = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    rng = random.Random(0)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
    for k in range(kills):
        args, number = writes[k % len(writes)], numbers[k // len(writes) % 4]
        path = tmp_path / args[-1]
        path.write_bytes(b"old")
        with subprocess.Popen([*COMMAND, *args], stderr=subprocess.DEVNULL) as running:
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


@pytest.mark.parametrize(
    ("name", "code"), [slow("SIGTERM", 143), slow("SIGHUP", 129), ("SIGINT", 130)]
)
def test_a_signal_while_a_layer_runs_ends_the_run(tmp_path, name, code):
    """Even though any exception of a layer counts as its fault."""
    (tmp_path / "slow_layers.py").write_text(
        "import time\n"
        "def run(x, grad_y, p, training):\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(20)\n"
    )
    command = [*COMMAND, "verify", "--layer", "slow_layers:run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr.readline() == b"begun\n"
        running.send_signal(getattr(signal, name))
        assert running.communicate(timeout=10) == (b"", b"")
    assert running.returncode == code


def test_termination_while_writing_leaves_nothing(tmp_path, monkeypatch, cli):
    """What SIGTERM raises, at the worst moment."""
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: sys.exit(143))
    assert cli("forward", "-o", str(tmp_path / "page.json")).code == 143
    assert list(tmp_path.iterdir()) == []


# Streams


def test_a_closed_pipe_ends_quietly():
    x = " ".join(map(str, range(100_000)))
    done = shell("dropout-cli forward -x - -f json | head -c 1; exit ${PIPESTATUS[0]}", input=x)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGPIPE, "{", "")


@pytest.mark.parametrize("args", ["--help", *map(slow, ["walkthrough", "--version"])])
def test_a_reader_that_has_gone_before_is_no_error(args):
    done = shell(f"dropout-cli {args} | true; exit ${{PIPESTATUS[0]}}")
    assert done.returncode in (0, 141)  # 0 where all was written before the reader went
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("platform", "number", "code"),
    [("win32", errno.EINVAL, 141), ("linux", errno.EPIPE, 141), ("linux", errno.EINVAL, 2)],
)
def test_a_closed_pipe_is_another_error_on_windows(cli, monkeypatch, platform, number, code):
    def closed(*_):
        raise OSError(number, "closed")

    monkeypatch.setattr("dropout_cli.cli.output.print_page", closed)
    monkeypatch.setattr(sys, "platform", platform)
    result = cli("forward")
    assert (result.code, result.err != "") == (code, code == 2)


LAYER = "verify -p 0.5 --layer my_layers:Dropout"


@pytest.mark.parametrize(
    ("args", "closed", "code"),
    [
        ("forward -x -", "<&-", 2), ("forward -x -", ">&-", 2), ("forward", "2>&-", 0),
        (LAYER, ">&-", 2), (LAYER, "2>&-", 0), (LAYER, ">&- 2>&-", 2),
        *(slow(args, ">&-", 2) for args in ("--help", "plot", "walkthrough --pause")),
        *(slow(args, "<&- 2>&-", 0) for args in ("--help", "forward", "plot")),
    ],
)  # fmt: skip
def test_a_stream_may_be_closed_from_the_start(closed, args, code):
    tests = {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[1]}:{os.getenv('PYTHONPATH')}"}
    done = shell(f"dropout-cli {args} {closed}", input="1 2 3", env=tests)
    assert done.returncode == code
    assert done.stdout.strip() != "" or code == 2 or args == "plot"
    assert "Traceback" not in done.stderr
    assert "a defect" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("args", ["forward", "--help"])
def test_a_full_standard_output_is_one_sentence(args):
    done = shell(f"dropout-cli {args} >/dev/full")
    assert done.returncode == 2
    assert done.stderr == "Error: the operating system refused: No space left on device\n"


@pytest.mark.slow
def test_a_pipe_that_does_not_wait_is_an_error():
    """Nobody reads, and what does not fit is not lost in silence."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    x = ",".join(["0.123456789"] * 20_000)
    done = program("forward", "-x", "-", "-f", "json", input=x, stdout=writer)
    os.close(reader)
    os.close(writer)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: the operating system refused: ")
    assert done.stderr.count("\n") == 1


# Files and folders


@pytest.mark.parametrize("args", [slow("plot -o saved.png"), "walkthrough -o saved.svg"])
def test_a_full_disk_leaves_the_old_file(tmp_path, args):
    old = tmp_path / args.split()[-1]
    old.write_text("old")
    done = shell(f"ulimit -f 4; PYTHONDONTWRITEBYTECODE=1 exec dropout-cli {args}")
    assert done.returncode == 2
    assert done.stderr == f"Error: cannot write {old.name}: File too large\n"
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_takes_no_file_is_one_sentence(cli, tmp_path):
    (tmp_path / "shut").mkdir(mode=0o500)
    assert "Permission denied" in cli("forward", "-o", "shut/o.md").error


def test_a_link_stays_and_its_target_is_written(cli, tmp_path):
    (tmp_path / "dangling.md").symlink_to("target.md")
    assert cli("forward", "-o", "dangling.md").code == 0
    assert (tmp_path / "dangling.md").is_symlink()
    assert {each.name for each in tmp_path.iterdir()} == {"target.md", "dangling.md"}


@pytest.mark.slow
def test_the_mode_is_that_of_the_umask_or_of_the_old_file(tmp_path):
    path = tmp_path / "o.md"
    shell("umask 077; dropout-cli forward -o o.md", check=True)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    shell("umask 022; dropout-cli forward -o o.md", check=True)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.slow
def test_a_home_and_settings_that_cannot_be_used_do_not_matter(tmp_path):
    environment = {**os.environ, "HOME": "/nowhere", "MPLCONFIGDIR": "/nowhere", "LC_ALL": "C"}
    environment |= {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"}
    for args in (WRITES[2], ["walkthrough"], ["verify", "--lang", "zh"]):
        done = program(*args, env=environment, timeout=60)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.svg").is_file()


@pytest.mark.parametrize("args", ["verify --layer a:b", *map(slow, ["plot", "forward -o o.json"])])
def test_a_folder_that_was_removed_is_one_sentence(tmp_path, args):
    gone = tmp_path / "gone"
    gone.mkdir()
    done = shell(f"cd {gone} && rmdir {gone} && dropout-cli {args}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such file or directory" in done.stderr
    assert "standard output" not in done.stderr
