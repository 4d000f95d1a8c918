"""One command through Ansible's raw module: with_ansible.py [-t] HOST PORT USER KEY KNOWN_HOSTS COMMAND

raw asks for a terminal unless it is told not to; -t leaves it so. Prints what the module returned as stdout and stderr, with LF
line ends, and ends with its rc; 255 if the host was not reached.
"""
import json
import os
import subprocess
import sys
import tempfile


def main(args):
    terminal = args[0] == "-t"
    host, port, user, key, known, command = args[terminal:]
    with tempfile.TemporaryDirectory() as tree:
        ran = subprocess.run(
            ["ansible", "all", "-i", host + ",", "-m", "raw", "-a", json.dumps({"_raw_params": command}), "-t", tree, "-u", user, "--private-key", key]
            + ["-e", json.dumps({"ansible_port": int(port), "ansible_ssh_use_tty": terminal})]
            + ["--ssh-common-args", f"-F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known}"],
            env=dict(os.environ, ANSIBLE_LOCALHOST_WARNING="False"),
            capture_output=True,
            text=True,
        )
        try:
            with open(os.path.join(tree, host)) as file:
                result = json.load(file)
        except FileNotFoundError:
            result = {"unreachable": True, "msg": ran.stdout + ran.stderr}
    if result.get("unreachable"):
        print(result.get("msg"), file=sys.stderr)
        return 255
    sys.stdout.write(result["stdout"].replace("\r\n", "\n"))
    sys.stderr.write(result["stderr"].replace("\r\n", "\n"))
    return result["rc"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
