"""A session of paramiko's: with_paramiko.py [-t] HOST PORT USER KEY KNOWN_HOSTS [COMMAND]

Without COMMAND a shell; -t asks for a terminal. Ends with the exit code of the session, 255 if there was none.
"""
import sys
import threading

import paramiko


def pump(read, to):
    while True:
        data = read(32768)
        if not data:
            return
        to.write(data)
        to.flush()


def feed(channel):
    pump(lambda n: sys.stdin.buffer.raw.read(n), channel.makefile_stdin("wb", 0))
    channel.shutdown_write()


def unknown(known):
    """The types of host keys that are not on record. Left alone, paramiko prefers the type it knows by the name ssh-rsa only."""
    types = {type for keys in paramiko.HostKeys(known).values() for type in keys}
    return [type for type in paramiko.Transport._preferred_keys if "rsa" not in type and type not in types]


def main(args):
    terminal = args[0] == "-t"
    host, port, user, key, known = args[terminal : terminal + 5]
    command = args[terminal + 5 :]
    client = paramiko.SSHClient()
    client.load_host_keys(known)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        host, int(port), user, key_filename=key, allow_agent=False, look_for_keys=False, disabled_algorithms={"keys": unknown(known)}
    )
    channel = client.get_transport().open_session()
    if terminal:
        channel.get_pty("xterm", 80, 24)
    if command:
        channel.exec_command(command[0])
    else:
        channel.invoke_shell()
    threading.Thread(target=feed, args=(channel,), daemon=True).start()
    errors = threading.Thread(target=pump, args=(channel.recv_stderr, sys.stderr.buffer))
    errors.start()
    pump(channel.recv, sys.stdout.buffer)
    errors.join()
    return channel.recv_exit_status() % 256


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except (paramiko.SSHException, OSError) as why:
        print(why, file=sys.stderr)
        code = 255
    sys.exit(code)
