package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A probe is something that a process taken over would try. It returns nil if it worked.
type probe struct {
	name     string
	needRoot bool // it works for root alone, outside
	try      func(places) error
}

// places are what the probes go for.
type places struct {
	Secret string // a file of mode 0600
	Public string // a file that everybody may read
	Dir    string // a directory that everybody may write to
	Device string // a block device; empty: there is none here
	Port   string // a TCP address that somebody listens on
	Named  string // an abstract unix socket that takes datagrams
	Parent int
}

var probes = []probe{
	{"read a key", true, func(p places) error { _, err := os.ReadFile(p.Secret); return err }},
	{"read a public file", false, func(p places) error { _, err := os.ReadFile(p.Public); return err }},
	{"list a directory", false, func(p places) error { _, err := os.ReadDir(p.Dir); return err }},
	{"write a file", false, func(p places) error { return os.WriteFile(filepath.Join(p.Dir, "new"), []byte("x"), 0o666) }},
	{"open a drive to read", true, func(p places) error { return open(p.Device, os.O_RDONLY) }},
	{"open a drive to write", true, func(p places) error { return open(p.Device, os.O_WRONLY) }},
	{"make a device", true, func(p places) error {
		return unix.Mknod(filepath.Join(p.Dir, "null"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3)))
	}},
	{"open /dev/null", false, func(places) error { return open("/dev/null", os.O_RDWR) }},
	{"connect", false, func(p places) error { return closed(net.Dial("tcp", p.Port)) }},
	{"listen", false, func(places) error { return closed(net.Listen("tcp", "127.0.0.1:0")) }},
	{"make a packet socket", true, func(places) error { return fd(unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)) }},
	{"make a netlink socket", false, func(places) error { return fd(unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0)) }},
	{"run a program", false, func(places) error { return exec.Command("/bin/true").Run() }},
	{"become root", true, func(places) error { return syscall.Setresuid(0, 0, 0) }},
	{"signal the parent", false, func(p places) error { return unix.Kill(p.Parent, 0) }},
	{"signal a thread of the parent", false, func(p places) error { return unix.Tgkill(p.Parent, p.Parent, 0) }},
	{"read the parent's memory", true, func(p places) error { return open(fmt.Sprintf("/proc/%d/mem", p.Parent), os.O_RDONLY) }},
	{"trace itself", false, func(places) error {
		_, err := unix.FcntlInt(0, unix.F_GETFD, 0)
		if _, _, errno := unix.RawSyscall(unix.SYS_PTRACE, 0xffff, 0, 0); errno == unix.EPERM {
			return errno
		}
		return err
	}},
	{"mount", true, func(p places) error { return unix.Mount("none", p.Dir, "tmpfs", 0, "") }},
	{"leave by chroot", true, func(places) error { return unix.Chroot("/") }},
	{"load a kernel module", true, func(places) error {
		if err := unix.InitModule(nil, ""); err == unix.EPERM {
			return err
		}
		return nil // refused for what it is, not for who asks
	}},
	{"set the clock", true, func(places) error {
		var now unix.Timex
		now.Modes = unix.ADJ_TICK
		_, err := unix.Adjtimex(&now)
		if err == unix.EINVAL { // a tick of 0 is refused after the right to set it was found
			return nil
		}
		return err
	}},
	{"connect out once the first bytes are written", false, func(places) error {
		return unix.SetsockoptInt(given.idle[2], unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1)
	}},
	{"end the listening of its listener", false, func(places) error { return unix.Shutdown(given.closing, unix.SHUT_RD) }},
	{"connect out by fast open", false, func(p places) error {
		return unix.Sendto(given.idle[0], []byte("out"), unix.MSG_FASTOPEN|unix.MSG_NOSIGNAL, p.address())
	}},
	{"connect out by fast open and sendmsg", false, func(p places) error {
		return unix.Sendmsg(given.idle[1], []byte("out"), nil, p.address(), unix.MSG_FASTOPEN|unix.MSG_NOSIGNAL)
	}},
	{"make its sockets fast open", false, func(places) error {
		return unix.SetsockoptInt(given.listener, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 1)
	}},
	{"have a closing socket linger", false, func(places) error {
		return unix.SetsockoptLinger(given.listener, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 60})
	}},
	{"filter what reaches the listener", false, func(places) error {
		nothing := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
		return unix.SetsockoptSockFprog(given.listener, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing})
	}},
	{"set the options of IP", false, func(places) error { return unix.SetsockoptInt(given.listener, unix.IPPROTO_IP, unix.IP_TTL, 3) }},
	{"send a datagram to a socket with a name", false, func(p places) error {
		return unix.Sendto(given.datagrams, []byte("hi"), 0, &unix.SockaddrUnix{Name: p.Named})
	}},
	{"make a pair of sockets", false, func(places) error {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		if err == nil {
			unix.Close(pair[0])
			unix.Close(pair[1])
		}
		return err
	}},
	{"hand over a descriptor", false, func(places) error {
		return unix.Sendmsg(given.pair, []byte("x"), unix.UnixRights(0), nil, 0)
	}},
	{"have the parent sent signals", false, func(p places) error {
		_, err := unix.FcntlInt(uintptr(given.datagrams), unix.F_SETOWN, p.Parent)
		return err
	}},
	{"have signals sent", false, func(places) error {
		_, err := unix.FcntlInt(uintptr(given.datagrams), unix.F_SETFL, unix.O_ASYNC)
		return err
	}},
	{"make a user namespace", true, func(places) error {
		if _, _, errno := unix.RawSyscall(unix.SYS_UNSHARE, 0, 0, 0); errno != 0 {
			return errno
		}
		return nil
	}},
}

func open(path string, how int) error {
	f, err := os.OpenFile(path, how, 0)
	if err == nil {
		f.Close()
	}
	return err
}

func closed[T interface{ Close() error }](c T, err error) error {
	if err == nil {
		c.Close()
	}
	return err
}

func fd(n int, err error) error {
	if err == nil {
		unix.Close(n)
	}
	return err
}

// TestMain lets the test binary be the process that the probes run in.
func TestMain(m *testing.M) {
	if text := os.Getenv("SANDBOX_PLACES"); text != "" {
		os.Exit(inside(text, os.Getenv("SANDBOX_ENTER") != ""))
	}
	os.Exit(m.Run())
}

// report is what the process says of itself.
type report struct {
	Protections Protections
	Failed      map[string]string // by probe: the error; missing: it worked
	Works       string            // why what a server needs did not work
}

// given are the sockets that the process has before it is confined, as a server in it would.
var given struct {
	listener, closing    int
	idle                 [3]int // TCP, not connected
	datagrams, pair, far int
}

func give() (err error) {
	tcp := func() (fd int) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		return fd
	}
	for _, fd := range []*int{&given.listener, &given.closing, &given.idle[0], &given.idle[1], &given.idle[2]} {
		if *fd = tcp(); err != nil {
			return err
		}
	}
	for _, fd := range []int{given.listener, given.closing} {
		if err := unix.Listen(fd, 1); err != nil {
			return err
		}
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	datagrams, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	given.datagrams, given.pair, given.far = datagrams[0], pair[0], pair[1]
	return err
}

// address is where Port is.
func (p places) address() unix.Sockaddr {
	at := netip.MustParseAddrPort(p.Port)
	return &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}
}

func inside(text string, enter bool) int {
	var p places
	r := report{Failed: map[string]string{}}
	err := json.Unmarshal([]byte(text), &p)
	if err == nil {
		err = give()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if enter {
		var err error
		if r.Protections, err = Enter(62222); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	for _, probe := range probes {
		if err := probe.try(p); err != nil {
			r.Failed[probe.name] = err.Error()
		}
	}
	if err := serverWork(); err != nil {
		r.Works = err.Error()
	}
	json.NewEncoder(os.Stdout).Encode(r)
	return 0
}

// serverWork is what must still work: threads, memory, timers, the network poller, what Go sets for a connection.
func serverWork() error {
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			runtime.LockOSThread()
			time.Sleep(20 * time.Millisecond)
			_ = bytes.Repeat([]byte{1}, 1<<20)
		})
	}
	wg.Wait()
	runtime.GC()
	a := os.NewFile(uintptr(given.pair), "pair")
	go unix.Write(given.far, []byte("x"))
	if _, err := a.Read(make([]byte, 1)); err != nil {
		return err
	}
	for _, o := range [][3]int{{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1}, {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1}, {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15}} {
		if err := unix.SetsockoptInt(given.listener, o[0], o[1], o[2]); err != nil {
			return fmt.Errorf("set option %d: %w", o, err)
		}
	}
	return nil
}

// TestEntered runs every probe in a process outside and in one inside: what works outside must fail inside, all of it.
func TestEntered(t *testing.T) {
	p := newPlaces(t)
	root := os.Geteuid() == 0
	outside, in := runProbes(t, p, false), runProbes(t, p, true)
	for _, probe := range probes {
		if probe.needRoot && (!root || p.Device == "" && strings.Contains(probe.name, "drive")) {
			continue
		}
		if why := outside.Failed[probe.name]; why != "" {
			t.Errorf("outside, %s: %s; a probe that never works proves nothing", probe.name, why)
		}
		if in.Failed[probe.name] == "" {
			t.Errorf("inside, it could %s", probe.name)
		}
	}
	if in.Works != "" {
		t.Errorf("what a server needs does not work inside: %s", in.Works)
	}
	if root && (in.Protections.User != 62222 || !in.Protections.Chroot) || !in.Protections.Rootless {
		t.Errorf("protections: %+v", in.Protections)
	}
	if !in.Protections.Seccomp {
		t.Errorf("this kernel has no seccomp? protections: %+v", in.Protections)
	}
	t.Logf("%d probes; %+v", len(probes), in.Protections)
}

func newPlaces(t *testing.T) places {
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH); os.RemoveAll(dir) })
	os.Chmod(dir, 0o777)
	p := places{Dir: dir, Secret: filepath.Join(dir, "secret"), Public: filepath.Join(dir, "public"), Parent: os.Getpid()}
	os.WriteFile(p.Secret, []byte("key"), 0o600)
	os.WriteFile(p.Public, []byte("text"), 0o644)
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	p.Port = ln.Addr().String()
	p.Named = fmt.Sprintf("@sandbox-test-%d", os.Getpid())
	named, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: p.Named, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { named.Close() })
	if os.Geteuid() == 0 {
		p.Device = newLoop(t)
	}
	return p
}

// newLoop is a block device of the test's own.
func newLoop(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "drive")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", file).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() { exec.Command("losetup", "--detach", device).Run() })
	return device
}

func runProbes(t *testing.T, p places, enter bool) (r report) {
	text, _ := json.Marshal(p)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "SANDBOX_PLACES="+string(text))
	if enter {
		cmd.Env = append(cmd.Env, "SANDBOX_ENTER="+strconv.Itoa(1))
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the process with the probes (inside: %v): %v", enter, err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("its report: %v: %s", err, out)
	}
	unix.Unmount(p.Dir, unix.MNT_DETACH)
	os.Remove(filepath.Join(p.Dir, "null"))
	return r
}
