//go:build vm

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// sickbay is a machine in which wiped is an ordinary program: what happens to its drives, its state and wiped itself is done by
// scripts that run beside it.
type sickbay struct {
	*machine
	shell   string                            // port of this host that leads to whoever runs scripts
	outside func(name string) ([]byte, error) // reads the media of drives outside of the machine

	looking sync.Mutex
	viewer  *ssh.Client // nil: not connected

	mu sync.Mutex // of what makes drives: they come one after the other
}

// sickScript is all that the machine does by itself: modules, folders, the network card, and waiting for scripts.
const sickScript = `
busybox --install -s /usr/bin
while read file params; do echo $file; insmod /usr/lib/drivesim/$file $params 2>/dev/null || [ $? = 17 ] || echo "module $file: $?"; done < /usr/lib/drivesim/faults.list
dmesg -n 1
mkdir -p /media /state /run
mount -t tmpfs -o size=2000m media /media
ifconfig lo up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
echo "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0" | dmsetup create --noudevsync state
mount -t ext4 /dev/dm-0 /state
chown -R 0:0 /state
chmod 700 /state
echo modules are loaded
printf 'OLD CONTENT ' > /media/old
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do cat /media/old /media/old > /media/older; mv /media/older /media/old; done
exec /drivesim shell 0.0.0.0:7778
`

// sickTools are the words of the scripts that make drives and harm them. N is the drive's name; B is the device below it.
const sickTools = `
# back SECTORS: a loop device over a file full of what once was on it
back() { head -c $(($1 * 512)) /media/old > /media/$N; B=$(losetup -f); losetup $B /media/$N; echo "B=$B" >> /run/$N.vars; }
# back2 SECTORS: another one
back2() { head -c $(($1 * 512)) /media/old > /media/$N.2; C=$(losetup -f); losetup $C /media/$N.2; echo "C=$C" >> /run/$N.vars; }
# map LINE...: a drive of device-mapper, from the lines of its table
map() { for line; do echo "$line"; done | dmsetup create --noudevsync $N; D=$(dmsetup info -c --noheadings -o blkdevname $N); here; }
# remap LINE...: it has another table from now on
remap() { for line; do echo "$line"; done | dmsetup load $N; dmsetup suspend --noudevsync $N; dmsetup resume --noudevsync $N; }
# null ATTRIBUTE=VALUE...: a drive of null_blk, of 4 MiB
null() { mkdir /sys/kernel/config/nullb/$N; for a in memory_backed=1 size=4 "$@" power=1; do echo ${a#*=} > /sys/kernel/config/nullb/$N/${a%%=*}; done; D=$N; old; here; }
unnull() { echo 0 > /sys/kernel/config/nullb/$N/power; rmdir /sys/kernel/config/nullb/$N; }
# debug: a drive of scsi_debug, of 4 MiB
debug() {
	ls /sys/block > /run/$N.before
	echo 1 > /sys/bus/pseudo/drivers/scsi_debug/add_host
	for i in 1 2 3 4 5 6 7 8 9 10; do D=$(ls /sys/block | grep -vxFf /run/$N.before | grep ^sd | head -1); [ -b "/dev/$D" ] && break; sleep 0.2; done
	old; here
}
opts() { echo $1 > /sys/bus/pseudo/drivers/scsi_debug/opts; }
errors() { echo $1 > /sys/module/scsi_debug/parameters/medium_error_start; echo $2 > /sys/module/scsi_debug/parameters/medium_error_count; opts 2; }
# old: the drive is full of what once was on it
old() { dd if=/media/old of=/dev/$D bs=512 count=$(blockdev --getsz /dev/$D) conv=fsync 2>/dev/null || dd if=/media/old of=/dev/$D bs=512 count=$(blockdev --getsz /dev/$D) conv=noerror,fsync oflag=direct 2>/dev/null || true; }
# clear: the drive is no more
clear() {
	dmsetup remove --noudevsync --force $N 2>/dev/null || true
	[ ! -d /sys/kernel/config/nullb/$N ] || unnull
	case "$D" in sd*) [ ! -e /sys/block/$D/device/delete ] || echo 1 > /sys/block/$D/device/delete;; loop*) losetup -d /dev/$D;; esac
	for d in $B $C; do losetup -d $d 2>/dev/null || true; done
	rm -f /media/$N /media/$N.2
}
here() { echo "D=$D" >> /run/$N.vars; echo $D; }
`

// sickbay makes the machine and boots it. Its state is kept on a disk, over power cuts too.
func (v *vms) sickbay(t *testing.T, more map[string][]byte) *sickbay {
	m := v.machine(t, "kernel and initramfs, sick drives")
	s := &sickbay{machine: m, shell: freePort(t)}
	m.port, m.control = freePort(t), freePort(t)
	m.ext4("state", "STATE", 32)
	files := map[string][]byte{"etc/drivesim.sh": []byte(sickScript), "etc/tools": []byte(sickTools)}
	maps.Copy(files, more)
	initrd := v.lab(m, files)
	m.qemuArgs(false, direct(v.image, initrd, "rdinit=/drivesim")...)
	m.memory(3072)
	card := "user,id=net"
	for guest, host := range map[string]string{"2222": m.port, controlPort: m.control, "7778": s.shell} {
		card += ",hostfwd=tcp:127.0.0.1:" + host + "-:" + guest
	}
	m.plug([]string{"-netdev", card, "-device", "virtio-net-pci,netdev=net,romfile="}, disk("state", "virtio-blk-pci,serial=LABSTATE"))
	m.ready = regexp.MustCompile(`(?m)^drivesim: scripts are taken on`)
	t.Cleanup(func() { s.hangUp(s.viewer) })
	m.boot()
	return s
}

// does runs a script in the machine, and returns what it printed and its exit code.
func (s *sickbay) does(script string) (said string, code int, err error) {
	c, err := net.DialTimeout("tcp", "127.0.0.1:"+s.shell, 10*time.Second)
	if err != nil {
		return "", -1, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(commandTime)); err != nil {
		return "", -1, err
	}
	if _, err := fmt.Fprintf(c, "%d\n%s", len(script), script); err != nil {
		return "", -1, err
	}
	in := bufio.NewReader(c)
	var length int64
	line, err := in.ReadString('\n')
	if err == nil {
		_, err = fmt.Sscanf(line, "%d %d\n", &code, &length)
	}
	if err != nil {
		return "", -1, fmt.Errorf("script %q: %w", script, err)
	}
	text, err := io.ReadAll(io.LimitReader(in, length))
	if err == nil && int64(len(text)) < length {
		err = io.ErrUnexpectedEOF
	}
	return string(text), code, err
}

// do runs a script about the drive of a story, which must succeed, and returns what it printed without the last line end.
func (s *sickbay) do(t testing.TB, name, script string) string {
	t.Helper()
	said, code, err := s.does(fmt.Sprintf("N=%s\n. /etc/tools\n[ ! -f /run/$N.vars ] || . /run/$N.vars\nset -e\n%s\n", cmp.Or(name, "none"), script))
	if err != nil || code != 0 {
		t.Errorf("%s, in the machine:\n%s\nexit code %d, %v: %.2000s", name, script, code, err, said)
	}
	return strings.TrimSuffix(said, "\n")
}

// serve starts wiped and waits until it lets people in. program is its path in the machine.
func (s *sickbay) serve(t testing.TB, program string) {
	t.Helper()
	s.hangUp(s.viewer)
	s.do(t, "", `[ -f /state/authorized_keys ] || cp /etc/wiped/authorized_keys /state/authorized_keys
chmod 600 /state/authorized_keys
`+program+` serve --listen 0.0.0.0:2222 --state /state --drives 'all,dm-*,loop*' </dev/null >>/run/wiped.log 2>&1 &
echo $! > /run/wiped.pid`)
	if err := eventually(func() error {
		if !s.answers() {
			return fmt.Errorf("wiped does not let anybody in")
		}
		return nil
	}); err != nil {
		t.Fatalf("%v: %s", err, s.do(t, "", "cat /run/wiped.log"))
	}
}

// killServer ends wiped without warning, and waits until it is gone: a thread that waits for a drive in the kernel holds all its files until
// the drive answers.
func (s *sickbay) killServer(t testing.TB) {
	t.Helper()
	s.do(t, "", `p=$(cat /run/wiped.pid); kill -9 $p; while grep -h ^State /proc/$p/task/*/status 2>/dev/null | grep -qv Z; do sleep 0.1; done`)
}

// simulate starts the simulator of drives, and waits until the kernel has found them all. Those of an earlier one are gone then.
func (s *sickbay) simulate(t testing.TB, list []sick, prefix string) {
	t.Helper()
	s.do(t, "", `if [ -f /run/sim.pid ]; then p=$(cat /run/sim.pid); kill $p; while kill -0 $p 2>/dev/null && ! grep -q '^State:.Z' /proc/$p/status; do sleep 0.1; done; fi
cat > /run/scenario <<'END'
`+strings.Join(simulated(list, prefix), "\n")+`
END
/drivesim serve --scenario /run/scenario --control tcp:0.0.0.0:`+controlPort+` --ready 3 3>/run/sim.ready </dev/null >/run/sim.log 2>&1 &
echo $! > /run/sim.pid
for i in $(seq 1200); do grep -q ready /run/sim.ready && exit 0; sleep 0.1; done; cat /run/sim.log; exit 1`)
}

// storyTime is how long a job of a story may take before it counts as hung. On a machine that has nothing else to do none takes a
// minute.
const storyTime = 6 * time.Minute

// erase runs erase --wait as the operator. Once what it prints matches when, then is called. ended is false if it hangs.
func (s *sickbay) erase(command, when string, then func()) (stream string, code int, ended bool) {
	ctx, stop := context.WithTimeout(context.Background(), storyTime)
	defer stop()
	cmd := exec.CommandContext(ctx, "ssh", s.sshArgs("operator", command)...)
	out := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err.Error(), -1, false
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	if when != "" {
		pattern := regexp.MustCompile(when)
	watch:
		for {
			select {
			case <-gone:
				return out.String() + "\n(it never said " + when + ")", -1, true
			case <-time.After(10 * time.Millisecond):
				if pattern.MatchString(out.String()) {
					break watch
				}
			}
		}
		then()
	}
	<-gone
	return out.String(), cmd.ProcessState.ExitCode(), ctx.Err() == nil
}

// sshArgs are those of the stock client.
func (s *sickbay) sshArgs(who, command string) []string {
	options := []string{"-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=60"}
	return append(options, clientArgs(s.people, s.port, who, "-T", "op@127.0.0.1", command)...)
}

// ssh runs one command as one of the people: with the stock client, but for the viewer, who stays connected. In an emulated machine
// a login takes longer than what is asked.
func (s *sickbay) ssh(who, command string) (out, errOut string, code int) {
	if who != "viewer" {
		return s.machine.ssh(who, command)
	}
	err := eventually(func() (err error) {
		out, errOut, code, err = s.look(command)
		return err
	})
	if err != nil {
		return "", err.Error(), -1
	}
	return out, errOut, code
}

// look runs a command in a session of the viewer's connection. The error is that of the connection.
func (s *sickbay) look(command string) (out, errOut string, code int, err error) {
	client, err := s.connected()
	if err != nil {
		return "", "", 0, err
	}
	session, err := client.NewSession()
	var refused *ssh.OpenChannelError
	if err != nil && !errors.As(err, &refused) { // the connection is gone; the next try makes another
		s.hangUp(client)
	}
	if err != nil {
		return "", "", 0, err
	}
	defer session.Close()
	var o, e bytes.Buffer
	session.Stdout, session.Stderr = &o, &e
	var exit *ssh.ExitError
	if err = session.Run(command); errors.As(err, &exit) {
		code, err = exit.ExitStatus(), nil
	}
	return o.String(), strings.TrimSpace(e.String()), code, err
}

func (s *sickbay) connected() (*ssh.Client, error) {
	s.looking.Lock()
	defer s.looking.Unlock()
	if s.viewer != nil {
		return s.viewer, nil
	}
	pem, err := os.ReadFile(filepath.Join(s.people, "keys", "viewer"))
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return nil, err
	}
	s.viewer, err = ssh.Dial("tcp", "127.0.0.1:"+s.port, &ssh.ClientConfig{User: "op", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: patience})
	return s.viewer, err
}

// hangUp ends the viewer's connection, if it is still this one.
func (s *sickbay) hangUp(client *ssh.Client) {
	s.looking.Lock()
	defer s.looking.Unlock()
	if client != nil && s.viewer == client {
		_ = client.Close()
		s.viewer = nil
	}
}

// confirmed names a drive by the kernel's name, and confirms it.
func (s *sickbay) confirmed(t testing.TB, node string) (words string) {
	t.Helper()
	var doc struct{ Confirm string }
	err := eventually(func() error {
		out, errOut, _ := s.ssh("viewer", "drive "+node+" --json")
		if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Confirm == "" {
			return fmt.Errorf("drive %s: %v: %s%s", node, err, out, errOut)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return node + " --confirm '" + doc.Confirm + "'"
}
