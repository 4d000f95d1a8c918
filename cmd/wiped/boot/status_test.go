package boot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/drive/uevent"
)

func TestStatusBlock(t *testing.T) {
	links := []linkStatus{{name: "eth0", mac: "52:54:00:12:34:56", text: "192.0.2.7/24 by DHCP from 192.0.2.1",
		addresses: []netip.Prefix{netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("192.0.2.7/24")}}}
	s := status{name: "wipe-07", version: "wiped 1", port: 22, ready: true, keys: 2, links: links, fingerprints: []string{"host key X (given at boot)"},
		clock: "right", state: "in memory", drives: 3, keysFrom: []string{"1 from a", "1 from b"}, problems: []string{"no fan"}}
	want := `
==== wipe-07: wiped 1
  log in (authorized keys: 2) with
    ssh admin@192.0.2.7
    ssh admin@fe80::1%INTERFACE   (INTERFACE: the one of your machine)
  network eth0 (52:54:00:12:34:56): 192.0.2.7/24 by DHCP from 192.0.2.1
  host key X (given at boot)
  authorized keys: 1 from a, 1 from b
  drives: 3
  clock: right
  state: in memory
  PROBLEM: no fan
====`
	if got := strings.Join(s.lines(), "\n"); got != want {
		t.Errorf("lines = %s\nwant %s", got, want)
	}
	tests := []struct {
		name   string
		change func(*status)
		want   string
	}{
		{"no key", func(s *status) { s.keys = 0 }, "NOBODY CAN LOG IN: no authorized key. Next: plug in a USB stick"},
		{"bad keys", func(s *status) { s.keys, s.badKeys = 0, "line 3: odd" }, "no authorized key (line 3: odd). Next"},
		{"advice with a role", func(s *status) { s.keys = 0 }, `the kernel argument wiped.key="role=\"admin\" ssh-ed25519 AAAA... you"`},
		{"no stick", func(s *status) { s.keys, s.noStick = 0, true }, "A stick with others would not be taken. Next: start again with the kernel argument"},
		{"no drives", func(s *status) { s.drives = 0 }, "  drives: none. Next: attach one"},
		{"another port", func(s *status) { s.port = 2222 }, "ssh -p 2222 admin@192.0.2.7"},
		{"starting", func(s *status) { s.ready = false }, "starting; authorized keys: 2"},
		{"no address", func(s *status) { s.links[0].addresses = nil }, "no address yet"},
		{"no card", func(s *status) { s.links = nil }, "no wired network card found. Next:"},
	}
	for _, test := range tests {
		changed := s
		changed.links = append([]linkStatus(nil), links...)
		test.change(&changed)
		if got := strings.Join(changed.lines(), "\n"); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s\nwant %s in it", test.name, got, test.want)
		}
	}
}

// TestConsole checks that nothing from outside reaches a terminal, that the block is shown when it changes alone, and
// that a console nobody reads holds nobody up.
func TestConsole(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := newConsole([]*os.File{w})
	c.Line("a\x1b[2J\nb")
	fmt.Fprint(c, "half")
	fmt.Fprint(c, " a line\nand ")
	c.show([]string{"x", "y"})
	c.show([]string{"x", "y"})
	c.show([]string{"z"})
	want := "a\\x1b[2J\\nb\nhalf a line\nx\ny\nz\n"
	got := make([]byte, len(want))
	if _, err := r.Read(got[:1]); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(got); {
		m, err := r.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if string(got) != want {
		t.Errorf("console = %q; want %q", got, want)
	}
	if c.Flush(); c.left.Load() != 0 {
		t.Error("Flush came back before all was written")
	}
	begun := time.Now()
	for range 5 * backlog {
		c.Line(strings.Repeat("x", 200))
	}
	if time.Since(begun) > 5*time.Second {
		t.Error("a console that nobody reads held up the station")
	}
	r.Close()
}

func TestClockText(t *testing.T) {
	built := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	now := built.AddDate(0, 1, 0)
	tests := []struct {
		from, why string
		now       time.Time
		want      string
	}{
		{"192.0.2.4", "", now, "synchronised with 192.0.2.4 (NTP)"},
		{"", "", now, "the machine's own, not synchronised yet"},
		{"", "x: no answer", now, "NOT SYNCHRONISED: x: no answer. Next:"},
		{"", "", time.Unix(86400, 0), "WRONG: it says January 1970, and this program was made after 2026-05-01"},
	}
	for _, test := range tests {
		if got := clockText(test.from, test.why, test.now, built); !strings.Contains(got, test.want) {
			t.Errorf("clockText = %s; want %s in it", got, test.want)
		}
	}
	for _, err := range []error{&net.DNSError{Err: "x"}, os.ErrDeadlineExceeded, fmt.Errorf("a: %w", unix.ENETUNREACH), unix.ECONNREFUSED} {
		if got := whyNot(err); got == err.Error() {
			t.Errorf("whyNot(%v) says nothing better", err)
		}
	}
}

func TestChooseName(t *testing.T) {
	links := []linkStatus{{mac: "52:54:00:12:34:56"}}
	for want, got := range map[string]string{"bench": chooseName([]addressing{{}, {hostname: "bench"}}, links), "wiped-123456": chooseName(nil, links), "wiped": chooseName(nil, nil)} {
		if got != want {
			t.Errorf("chooseName = %s; want %s", got, want)
		}
	}
}

func TestFetchKeys(t *testing.T) {
	content := "\xef\xbb\xbfssh-ed25519 AAAA me\r\n"
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/keys" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, content)
	}))
	defer server.Close()
	if got, err := fetchKeys(context.Background(), server.URL+"/keys", sum); got != "ssh-ed25519 AAAA me\n" || err != nil {
		t.Errorf("fetchKeys = %q, %v", got, err)
	}
	if got, err := fetchKeys(context.Background(), server.URL+"/keys", testSum); got != "" || !errors.Is(err, errWrongHash) {
		t.Errorf("fetchKeys with another hash = %q, %v; want it refused", got, err)
	}
	if _, err := fetchKeys(context.Background(), server.URL+"/none", sum); err == nil {
		t.Error("fetchKeys took an error page")
	}
	if _, err := checkFetched(bytes.Repeat([]byte("a"), maxGiven+1), sum); err == nil {
		t.Error("a file of any size is taken")
	}
}

func TestHostKeysGiven(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hostkeys")
	sources := []given{{from: "stick", hostKeys: map[string]string{"ssh_host_ed25519_key": "one\n"}}}
	for range 2 { // the second time as after a crash of the server
		if put, wrong := putHostKeys(dir, sources); len(put) != 1 || len(wrong) != 0 {
			t.Fatalf("putHostKeys = %v, %v", put, wrong)
		}
	}
	path := filepath.Join(dir, "ssh_host_ed25519_key")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	sources[0].hostKeys["ssh_host_ed25519_key"] = "two\n"
	put, wrong := putHostKeys(dir, sources)
	if there, _ := os.ReadFile(path); len(put) != 0 || len(wrong) != 1 || string(there) != "one\n" {
		t.Errorf("a kept key was replaced: %v, %v, %q", put, wrong, there)
	}
}

// TestDamagedHostKeys does without given keys that cannot be used: with them the server would not start at all.
func TestDamagedHostKeys(t *testing.T) {
	dir := t.TempDir()
	put := []string{"ssh_host_ed25519_key", "certificate_ed25519_key"}
	for _, name := range put {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte("given"), 0o600))
	}
	load := func(dir string) error {
		path := filepath.Join(dir, "ssh_host_ed25519_key")
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("read host key: %s cannot be used, it is damaged: bring it back: mv a b", path)
		}
		return nil
	}
	good, wrong := tryHostKeys(dir, put, load)
	if fmt.Sprint(good) != "[certificate_ed25519_key]" || len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "hostkeys/ssh_host_ed25519_key cannot be used, it is damaged, so a new one") {
		t.Errorf("tryHostKeys = %v, %v", good, wrong)
	}
	if len(put) != 2 || put[0] != "ssh_host_ed25519_key" {
		t.Errorf("tryHostKeys changed what it was given: %v", put)
	}
	if good, wrong = tryHostKeys(dir, nil, func(string) error { return errors.New("no room") }); len(good) != 0 || len(wrong) != 1 {
		t.Errorf("tryHostKeys = %v, %v; want the error, and an end", good, wrong)
	}
	if got := whyUnusable(errors.New("read host key: /x has a passphrase, which: y")); !strings.Contains(got, "passphrase") {
		t.Errorf("whyUnusable = %s", got)
	}
}

// TestLastEnd hands on why the server before this one ended, once.
func TestLastEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ended")
	t.Setenv(endedMark, "")
	if err := lastEnd(file); err != nil {
		t.Errorf("lastEnd of the first server = %v", err)
	}
	t.Setenv(endedMark, "exit code 1")
	check(t, os.WriteFile(file, []byte("the journal is damaged\n"), 0o600))
	if got := lastEnd(file).Error(); !strings.Contains(got, "the server ended (exit code 1: the journal is damaged) and was started again") {
		t.Errorf("lastEnd = %s", got)
	}
	if got := lastEnd(file).Error(); strings.Contains(got, "journal") || !strings.Contains(got, "(exit code 1)") {
		t.Errorf("lastEnd again = %s", got)
	}
}

// TestChooseCard gives wiped.ip= to the card that is named, else to the same one at every boot.
func TestChooseCard(t *testing.T) {
	on := func(l *link) *link { l.plug = func() {}; return l }
	a, b, c := on(&link{name: "eth0", mac: "52:54:00:00:00:03", index: 1}), on(&link{name: "eth1", mac: "52:54:00:00:00:02", index: 2}), &link{name: "eth2", mac: "52:54:00:00:00:01", index: 3}
	for _, test := range []struct {
		card string
		all  []*link
		want *link
	}{
		{"", []*link{a, b, c}, b}, {"", []*link{c, b, a}, b}, {"", []*link{c}, nil}, {"eth0", []*link{a, b}, a}, {"eth2", []*link{a, c}, c},
		{"52:54:00:00:00:01", []*link{a, b, c}, c}, {"eth9", []*link{a, b}, nil}, {"", nil, nil},
	} {
		if got := chooseCard(test.card, test.all); got != test.want {
			t.Errorf("chooseCard(%q) = %+v; want %+v", test.card, got, test.want)
		}
	}
	n := newNetwork(Settings{address: netip.MustParsePrefix("192.0.2.7/24")}, func() {})
	n.begun = time.Now().Add(-time.Hour)
	for _, l := range []*link{a, b, c} {
		l.net, n.links[l.index] = n, l
	}
	ctx := context.Background()
	if n.claimFixed(ctx, a) || !n.claimFixed(ctx, b) {
		t.Error("another card than the lowest with a cable has the address")
	}
	if err := n.wrongCard(); err == nil || !strings.Contains(err.Error(), "so eth1 has it") {
		t.Errorf("wrongCard = %v", err)
	}
	n.reset(ctx, n.set()) // as with every look at the configuration
	if b.plug = nil; n.claimFixed(ctx, a) {
		t.Error("the address moved to another card, though nothing was set anew")
	}
	n.settings.card = "eth9"
	if err := n.wrongCard(); err == nil || !strings.Contains(err.Error(), "there is none. Next: name one of eth0 (") {
		t.Errorf("wrongCard = %v", err)
	}
}

func TestSmallMemory(t *testing.T) {
	if smallMemory(210<<20) != nil || smallMemory(150<<20) == nil {
		t.Error("a machine of 256 MB is too small, or one of 192 MB is not")
	}
}

func TestStateText(t *testing.T) {
	if got := stateText(onPartition, "/dev/sda1", true); !strings.Contains(got, "GONE") {
		t.Errorf("stateText of a pulled partition = %s", got)
	}
	if pulledProblem(false) != nil || pulledProblem(true) == nil {
		t.Error("a pulled partition is no problem, or one that is there is")
	}
	if notConfig(volume{name: "sda1"}, "/dev/sda2") != nil || !strings.Contains(notConfig(volume{name: "sda1"}, "/dev/sda1").Error(), "second partition") {
		t.Error("the configuration's partition is not told from others")
	}
}

func TestReadGiven(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("authorized_keys", "k\r\n")
	write("hostkeys/ssh_host_rsa_key", "pem\r\n")
	write("hostkeys/other", "x")
	if err := unix.Mkfifo(filepath.Join(dir, "wiped.conf"), 0o600); err != nil {
		t.Fatal(err)
	}
	g, wrong := readGiven("stick", dir)
	if g.keys != "k\n" || g.settings != "" || fmt.Sprint(g.hostKeys) != "map[ssh_host_rsa_key:pem\n]" || len(wrong) != 1 {
		t.Errorf("readGiven = %+v, %v", g, wrong)
	}
	if g, wrong := readGiven("nothing", filepath.Join(dir, "none")); g.keys != "" || len(wrong) != 0 {
		t.Errorf("readGiven of no directory = %+v, %v", g, wrong)
	}
}

// TestEvents looks for the configuration again whenever there may be a new volume.
func TestEvents(t *testing.T) {
	for _, test := range []struct {
		e    uevent.Event
		want bool
	}{
		{uevent.Event{Action: "add", Subsystem: "block", DevName: "sda1"}, true}, {uevent.Event{Action: "change", Subsystem: "block", DevName: "sr0"}, true},
		{uevent.Event{Action: "remove", Subsystem: "block", DevName: "sda1"}, false}, {uevent.Event{Action: "add", Subsystem: "usb"}, false},
		{uevent.Event{Lost: true}, true}, {uevent.Event{Action: "add", Subsystem: "module"}, false},
	} {
		ev := newEvents()
		ev.note(test.e)
		if got := len(ev.bell) == 1; got != test.want {
			t.Errorf("note(%+v) rings: %v; want %v", test.e, got, test.want)
		}
		ev.last = time.Time{}
		if ev.note(test.e); ev.last.IsZero() != (test.e.Subsystem == "module") {
			t.Errorf("note(%+v) counts as news of a device: %v", test.e, !ev.last.IsZero())
		}
	}
}

// TestCalm asks for more patience with every step on which a USB stick is not yet there.
func TestCalm(t *testing.T) {
	root := t.TempDir()
	for _, step := range []struct {
		file, text string
		want       time.Duration
	}{
		{"nothing", "", 500 * time.Millisecond}, {"usb1/speed", "480", 2 * time.Second},
		{"1-1:1.0/bInterfaceClass", "03\n", 2 * time.Second}, {"1-2:1.0/bInterfaceClass", "08\n", 3 * time.Second},
	} {
		path := filepath.Join(root, step.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(step.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := calm(root); got != step.want {
			t.Errorf("calm with %s = %s; want %s", step.file, got, step.want)
		}
	}
	ev := newEvents()
	if ev.settle(func() time.Duration { return time.Hour }, 60*time.Millisecond) || !ev.settle(func() time.Duration { return 0 }, time.Second) {
		t.Error("settle does not tell whether it became quiet")
	}
}

func TestParseMounts(t *testing.T) {
	text := "22 1 0:20 / /proc rw,nosuid shared:5 - proc proc rw\n30 1 8:1 / /var/lib/wiped rw - ext4 /dev/sda1 rw\nnonsense\n"
	if got := fmt.Sprint(parseMounts([]byte(text))); got != "[{proc /proc proc 0 } {/dev/sda1 /var/lib/wiped ext4 0 }]" {
		t.Errorf("parseMounts = %s", got)
	}
}

func TestExplainWrite(t *testing.T) {
	for _, err := range []error{unix.ENOSPC, unix.EROFS, unix.EIO} {
		if got := explainWrite(err); !errors.Is(got, err) || (err != unix.EIO && !strings.Contains(got.Error(), "Next:")) {
			t.Errorf("explainWrite(%v) = %v", err, got)
		}
	}
	if err := tryWriting(t.TempDir()); err != nil {
		t.Errorf("tryWriting = %v", err)
	}
}

func FuzzMounts(f *testing.F) {
	f.Add([]byte("22 1 0:20 / /proc rw,nosuid shared:5 - proc proc rw\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { parseMounts(b) })
}
