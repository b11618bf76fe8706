"""Types the commands of a transcript and compares what they print with what stands there.

    transcript.py --version 1.31 --work DIRECTORY transcripts/*.txt

A transcript is what a terminal would show:

    # a comment
    $ kubectl get ns default        a command, for bash; a line that begins with "> " continues it
    NAME      STATUS   AGE
    default   Active   <AGE>
    [exit 1]                        the exit code, when it is not 0

In the expected output:

    <AGE> <UID> <VERSION> <TIME> <IP> <PORT> <HASH>   one value of that form; <ANY> any text of the line
    <FROM>                          what kubectl 1.34 and newer say of a deletion: " from shop namespace"; nothing before
    ...                             any number of lines, none as well
    {<1.31} text, {>=1.33} text, {1.27} text          a line of these versions of kubectl only; before a "$" the whole command

Two spaces and more between columns are the same as three: their number depends on the values. Standard error is read with standard output.
Output is TAP: "ok 3 - 02-story.txt:14: kubectl get svc -n ns1". A transcript ends at the first command that fails.
"""

import argparse
import difflib
import os
import re
import signal
import subprocess
import sys
import time

PLACES = {
    "<AGE>": r"(?:\d+[smhdy])+|<unknown>",
    "<UID>": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<VERSION>": r"[1-9]\d*",
    "<TIME>": r'"?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"?',
    "<IP>": r"[0-9a-f]*[.:][0-9a-f.:]+",
    "<PORT>": r"[1-9]\d{0,4}",
    "<HASH>": r"[0-9a-f]+",
    "<ANY>": r".*",
    "<FROM>": r"(?: from \S+ namespace)?",
}
ANY_LINES = "..."
ONLY = re.compile(r"\{(<|>=|)(1\.\d+)\} ?")
PATIENCE = 60

# What the commands may call. `eventually` repeats a command until it succeeds, and prints what it printed at last.
PRELUDE = r"""
eventually() {
    local until=$((SECONDS + 25)) said
    until said=$("$@" 2>&1); do
        [ $SECONDS -lt $until ] || { printf '%s\n' "$said"; return 1; }
        sleep 0.1
    done
    [ -z "$said" ] || printf '%s\n' "$said"
}
"""


class Command:
    def __init__(self, line, text):
        self.line, self.text, self.expected, self.exit = line, text, [], 0


def minor(version):
    return int(version.split(".")[1])


def applies(condition, version):
    wanted, has = minor(condition[2]), minor(version)
    return {"<": has < wanted, ">=": has >= wanted, "": has == wanted}[condition[1]]


def read(path, version):
    """The commands of a transcript, with what this version of kubectl is to print."""
    commands, command, skipped = [], None, False
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        condition = ONLY.match(line)
        if condition:
            line = line[condition.end():]
            if not applies(condition, version):
                skipped = skipped or line.startswith("$ ")
                continue
        if line.startswith("$ "):
            skipped = False
            command = Command(number, line[2:])
            commands.append(command)
        elif skipped or (command is None and not line) or line.startswith("# "):
            continue
        elif command is None:
            raise SystemExit(f"{path}:{number}: neither a comment nor a command")
        elif line.startswith("> ") and not command.expected:
            command.text += "\n" + line[2:]
        elif match := re.fullmatch(r"\[exit (\d+)\]", line):
            command.exit = int(match[1])
        else:
            command.expected.append(line)
    for command in commands:
        # Empty lines before the next command are for the reader.
        while command.expected and not command.expected[-1]:
            command.expected.pop()
    if not commands:
        raise SystemExit(f"{path}: no command for kubectl {version}")
    return commands


def columns(line):
    """A line with its columns three spaces apart; what it is indented by stays."""
    indent = len(line) - len(line.lstrip(" "))
    return line[:indent] + re.sub(r" {2,}", "   ", line[indent:]).rstrip()


def pattern(line):
    parts = re.split("(" + "|".join(map(re.escape, PLACES)) + ")", columns(line))
    return re.compile("".join(f"(?:{PLACES[part]})" if part in PLACES else re.escape(part) for part in parts))


def agrees(expected, found):
    """Whether every line is as expected, in this order."""
    patterns = [None if line == ANY_LINES else pattern(line) for line in expected]
    # reachable: how many lines of what was found may have been used up by the patterns so far
    reachable = {0}
    for wanted in patterns:
        if wanted is None:
            reachable = set(range(min(reachable), len(found) + 1))
        else:
            reachable = {at + 1 for at in reachable if at < len(found) and wanted.fullmatch(found[at])}
        if not reachable:
            return False
    return len(found) in reachable


def run(command, environment, directory):
    """The lines that the command prints, and its exit code."""
    process = subprocess.Popen(
        ["bash", "-c", PRELUDE + command.text], env=environment, cwd=directory, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = process.communicate(timeout=PATIENCE)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        code = 124
    lines = [columns(line) for line in said.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines, code


def play(path, version, environment, directory, count):
    """Counts of the commands that were as expected, and of those that were not."""
    name, passed = os.path.basename(path), 0
    for command in read(path, version):
        count += 1
        began = time.monotonic()
        found, code = run(command, environment, directory)
        title = f"{count} - {name}:{command.line}: {command.text.splitlines()[0]}"
        if code == command.exit and agrees(command.expected, found):
            passed += 1
            print(f"ok {title} ({time.monotonic() - began:.2f} s)", flush=True)
            continue
        print(f"not ok {title}")
        if code != command.exit:
            print(f"  exit code {code}, expected {command.exit}")
        for line in difflib.unified_diff([columns(line) for line in command.expected], found, "expected", "found", lineterm="", n=100):
            print("  " + line)
        sys.stdout.flush()
        return passed, 1
    return passed, 0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--version", required=True, help="1.27, 1.31, ...")
    arguments.add_argument("--work", required=True, help="the directory that the commands run in")
    arguments.add_argument("transcripts", nargs="+")
    arguments = arguments.parse_args()
    # Background commands of a transcript end with it.
    os.setpgid(0, 0)
    environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", KUBE_EDITOR="", EDITOR="")
    passed = failed = 0
    for path in arguments.transcripts:
        one = play(path, arguments.version, environment, arguments.work, passed + failed)
        passed, failed = passed + one[0], failed + one[1]
    print(f"# pass {passed}\n# fail {failed}", flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
