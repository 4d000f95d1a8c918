#!/usr/bin/env bash
# The demonstration behind `make demo`, and with the word "run" behind `make run`: a station over two image files in a
# temporary directory, worked with the stock ssh client. It touches nothing else and cleans up after itself.
set -euo pipefail
wiped=${WIPED:-bin/wiped}
wiped=$(cd "$(dirname "$wiped")" && pwd)/$(basename "$wiped")
dir=$(mktemp -d "${TMPDIR:-/tmp}/wiped-demo.XXXXXX")
server=
finish() {
	[ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM
cd "$dir"

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
show() { # show COMMAND: print it as a person would type it, then run it
	printf '\033[36m$ %s\033[0m\n' "$1"
	eval "$1"
}
fails() { # fails CODE COMMAND: the same for a command that must fail with CODE
	printf '\033[36m$ %s\033[0m\n' "$2"
	local code=0
	eval "$2" || code=$?
	echo "(exit code $code)"
	[ "$code" = "$1" ]
}

say "Two drives full of customer records: image files of 256 MiB"
for bay in bay-1 bay-2; do
	show "head -c 256M <(yes 'CUSTOMER RECORD of $bay: name, address, card number') > $bay.img"
done

say "A station: one program, one key that may log in"
mkdir -m 700 state
show "ssh-keygen -q -t ed25519 -N '' -C maria@bench -f key"
show "(printf 'role=\"admin\" '; cat key.pub) > state/authorized_keys"
PATH=$(dirname "$wiped"):$PATH
printf '\033[36m$ %s\033[0m\n' "wiped serve --listen 127.0.0.1:0 --state state --image bay-1.img --image bay-2.img &"
wiped serve --listen 127.0.0.1:0 --state state --image bay-1.img --image bay-2.img 2>server.log &
server=$!
for _ in $(seq 100); do
	port=$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' server.log)
	[ -z "$port" ] || break
	sleep 0.1
done
[ -n "$port" ] || { cat server.log; exit 1; }
cat >ssh_config <<CONFIG
Host station
    HostName 127.0.0.1
    Port $port
    User maria
    IdentityFile $dir/key
    IdentitiesOnly yes
    UserKnownHostsFile $dir/known_hosts
    StrictHostKeyChecking accept-new
    LogLevel ERROR
CONFIG

if [ "${1:-}" = run ]; then
	printf '\nThe station runs. In another terminal, type:\n\n    ssh -F %s/ssh_config station\n\n^C here stops it and removes everything.\n' "$dir"
	wait "$server"
	exit
fi
ssh() { command ssh -F "$dir/ssh_config" "$@"; } # so that what is shown is what one types with such a config

say "Say hello, leave a message, look at the drives"
show "ssh station hello"
show "ssh station write: 'these two are from rack 7'"
show "ssh station drives"

say "A wrong serial erases nothing"
fails 3 "ssh station erase bay-1.img --confirm NOT-THIS-ONE"

say "Erase both at once, seven passes by an old contract, and watch"
serial() { ssh station drives --json | tr '{' '\n' | sed -n "s/.*\"name\":\"$1\".*\"serial\":\"\([^\"]*\)\".*/\1/p"; }
show "ssh station \"erase bay-1.img bay-2.img --confirm $(serial bay-1.img) --confirm $(serial bay-2.img) --method vsitr --note 'rack 7' --wait\""

say "Look for yourself: the list ends with 0xAA, so no other byte may be left"
for bay in bay-1 bay-2; do
	show "tr -d '\\252' < $bay.img | wc -c"
	[ "$(tr -d '\252' <"$bay.img" | wc -c)" = 0 ]
done

say "The certificate"
show "ssh station certificate 1"

say "Anybody can check it with stock OpenSSH"
show "ssh station certificate 1 --format json > 1.json"
show "ssh station certificate 1 --format sig > 1.json.sig"
show "ssh station signer > allowed_signers"
show "ssh-keygen -Y verify -f allowed_signers -I wiped -n wiped-certificate -s 1.json.sig < 1.json"
say "A changed one is caught"
show "sed 's/bay-1/bay-9/' 1.json > forged.json"
fails 255 "ssh-keygen -Y verify -f allowed_signers -I wiped -n wiped-certificate -s 1.json.sig < forged.json"
fails 1 "wiped verify forged.json --signature 1.json.sig --allowed-signers allowed_signers"

say "Who did what"
show "ssh station messages"
show "ssh station audit verify"
show "ssh station goodbye"
