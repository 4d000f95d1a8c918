"""A session of asyncssh's: with_asyncssh.py [-t] HOST PORT USER KEY KNOWN_HOSTS [COMMAND]

Without COMMAND a shell; -t asks for a terminal. Ends with the exit code of the session, 255 if there was none.
"""
import asyncio
import os
import stat
import sys

import asyncssh


async def main(args):
    terminal = args[0] == "-t"
    host, port, user, key, known = args[terminal : terminal + 5]
    command = args[terminal + 5 :]
    async with asyncssh.connect(
        host, int(port), username=user, client_keys=[key], known_hosts=known, agent_path=None, config=None
    ) as connection:
        process = await connection.create_process(
            command[0] if command else None,
            term_type="xterm" if terminal else None,
            term_size=(80, 24),
            encoding=None,
            stdin=asyncssh.DEVNULL if stat.S_ISCHR(os.fstat(0).st_mode) else sys.stdin.buffer,  # epoll takes no /dev/null
            stdout=sys.stdout.buffer,
            stderr=sys.stderr.buffer,
        )
        done = await process.wait()
        return 255 if done.returncode is None else done.returncode


if __name__ == "__main__":
    try:
        code = asyncio.run(main(sys.argv[1:]))
    except (asyncssh.Error, OSError) as why:
        print(why, file=sys.stderr)
        code = 255
    sys.exit(code)
