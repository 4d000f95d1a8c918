"""parallel-ssh on some stations at once: with_pssh.py NUMBER HOST PORT USER KEY KNOWN_HOSTS [COMMAND]

The stations are one, NUMBER times; what they answer must be the same. Without COMMAND each gets the standard input as a script.
Prints what one of them said and ends with its exit code.
"""
import os
import re
import subprocess
import sys
import tempfile


def answer(where, name):
    try:
        with open(os.path.join(where, name), "rb") as file:
            return file.read()
    except FileNotFoundError:  # made with the first byte
        return b""


def main(args):
    stations = int(args[0])
    host, port, user, key, known = args[1:6]
    command = args[6:]
    options = f"-F none -T -i {key} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known} -o LogLevel=ERROR"
    with tempfile.TemporaryDirectory() as work:
        hosts, out, err = (os.path.join(work, name) for name in ("hosts", "out", "err"))
        with open(hosts, "w") as file:
            file.write(f"{host}:{port} {user}\n" * stations)
        ran = subprocess.run(
            ["parallel-ssh", "-h", hosts, "-t", "0", "-o", out, "-e", err, "-x", options] + (command or ["-I"]),
            stdin=None if not command else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        codes = [int(n) for n in re.findall(r"Exited with error code (\d+)", ran.stdout)] + [0] * ran.stdout.count("[SUCCESS]")
        names = [f"{user}@{host}:{port}"] + [f"{user}@{host}:{port}.{n}" for n in range(1, stations)]
        said = {(answer(out, name), answer(err, name), code) for name, code in zip(names, codes)}
    if len(codes) != stations or len(said) != 1:
        print(f"{stations} stations said {said}: {ran.stdout}", file=sys.stderr)
        return 254
    stdout, stderr, code = said.pop()
    sys.stdout.buffer.write(stdout)
    sys.stderr.buffer.write(stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
