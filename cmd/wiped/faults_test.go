package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// The verbs of this file put in a story's way what goes wrong on a bench: odd bytes, drives that others use, full disks,
// damaged files.

// cmdBytes: bytes FILE PART... makes a file of parts: text with Go's escapes (\n, \x00), N*TEXT for N times that, random:N
// for N bytes of any value but LF and NUL (told in the log, should they ever matter), noise:N for N bytes of any value.
func cmdBytes(ts *testscript.TestScript, _ bool, args []string) {
	var all []byte
	for _, part := range args[1:] {
		if n, ok := strings.CutPrefix(part, "random:"); ok {
			all = append(all, someBytes(ts, n, func(b byte) bool { return b != 0 && b != '\n' })...)
			continue
		}
		if n, ok := strings.CutPrefix(part, "noise:"); ok {
			all = append(all, someBytes(ts, n, func(byte) bool { return true })...)
			continue
		}
		times := 1
		if n, text, ok := strings.Cut(part, "*"); ok && strings.Trim(n, "0123456789") == "" && n != "" {
			times, _ = strconv.Atoi(n)
			part = text
		}
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(part, `"`, `\"`) + `"`)
		if err != nil {
			ts.Fatalf("bytes: %q: %v", part, err)
		}
		all = append(all, strings.Repeat(text, times)...)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), all, 0o600))
}

func someBytes(ts *testscript.TestScript, count string, good func(byte) bool) (some []byte) {
	n, err := strconv.Atoi(count)
	ts.Check(err)
	seed := uint64(time.Now().UnixNano())
	ts.Logf("the seed of these bytes is %d", seed)
	from := rand.New(rand.NewPCG(seed, 1))
	for len(some) < n {
		if b := byte(from.Uint32()); good(b) {
			some = append(some, b)
		}
	}
	return some
}

// cmdSend: send PERSON [-exit N] FILE sends the content of FILE as one exec command, of any bytes and length, which no
// shell's command line could carry. -exit cut: the server closes the connection instead.
func cmdSend(ts *testscript.TestScript, _ bool, args []string) {
	name, want := args[0], "0"
	if args[1] == "-exit" {
		want, args = args[2], args[2:]
	}
	command, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	pem, err := os.ReadFile(filepath.Join(ts.Getenv("WORK"), "keys", name))
	ts.Check(err)
	key, err := ssh.ParsePrivateKey(pem)
	ts.Check(err)
	client, err := ssh.Dial("tcp", "127.0.0.1:"+ts.Getenv("PORT"), &ssh.ClientConfig{User: "op", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: patience})
	ts.Check(err)
	defer client.Close()
	session, err := client.NewSession()
	ts.Check(err)
	session.Stdout, session.Stderr = ts.Stdout(), ts.Stderr()
	code := "0"
	var exit *ssh.ExitError
	switch err = session.Run(string(command)); {
	case errors.As(err, &exit):
		code = strconv.Itoa(exit.ExitStatus())
	case err != nil:
		code = "cut"
		ts.Logf("%v", err)
	}
	if code != want {
		ts.Fatalf("exit code %s, want %s (%v)", code, want, err)
	}
}

// sequences are what the line editor itself may send to a terminal.
var sequences = regexp.MustCompile(`\x1b\[[0-9;]*[A-HJKm]|\x1b\[\?2004[hl]|\r`)

// cmdHarmless: harmless [-tty] stdout|stderr|FILE checks that a text holds no control characters but line ends, and no
// invalid UTF-8; with -tty, none but what the line editor needs.
func cmdHarmless(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[len(args)-1])
	if args[0] == "-tty" {
		text = sequences.ReplaceAllString(text, "")
	}
	if text == "" {
		ts.Fatalf("%s is empty", args[len(args)-1])
	}
	for at, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError) {
			ts.Fatalf("%q stands at byte %d: %q", r, at, text[max(0, at-40):min(len(text), at+40)])
		}
	}
}

// cmdMessage: message N FILE checks that the text of line N of messages.txt is the content of FILE, byte for byte.
func cmdMessage(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	lines := strings.Split(ts.ReadFile("state/messages.txt"), "\n")
	if len(lines) <= n {
		ts.Fatalf("there are %d messages", len(lines)-1)
	}
	part := strings.SplitN(lines[n-1], "\t", 3)
	if want := ts.ReadFile(args[1]); len(part) != 3 || part[2] != want {
		ts.Fatalf("message %d is %q, want %q", n, part, want)
	}
}

// held is what stories hold: work directory and name -> how to let it go.
var held sync.Map

// cmdHold: hold NAME FILE read|write|excl|mount uses a file or device until `release NAME`: this process opens it, plainly
// or with the kernel's exclusive claim, or another one mounts it where the server cannot see it.
func cmdHold(ts *testscript.TestScript, _ bool, args []string) {
	name, path := args[0], ts.MkAbs(args[1])
	var end func()
	if args[2] == "mount" {
		end = mountElsewhere(ts, path)
	} else {
		mode, ok := map[string]int{"read": unix.O_RDONLY, "write": unix.O_RDWR, "excl": unix.O_RDONLY | unix.O_EXCL}[args[2]]
		if !ok {
			ts.Fatalf("unknown: hold %v", args)
		}
		fd, err := unix.Open(path, mode|unix.O_CLOEXEC, 0)
		ts.Check(err)
		end = func() { unix.Close(fd) }
	}
	once := sync.OnceFunc(end)
	ts.Defer(once)
	held.Store([2]string{ts.Getenv("WORK"), name}, once)
}

func mountElsewhere(ts *testscript.TestScript, dev string) func() {
	work := ts.Getenv("WORK")
	ts.Check(os.Mkdir(filepath.Join(work, "elsewhere"), 0o700))
	cmd := exec.Command("unshare", "--mount", "sh", "-c", `mount "$0" elsewhere && touch elsewhere.ready && exec sleep 1000`, dev)
	cmd.Dir = work
	ts.Check(cmd.Start())
	end := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	err := eventually(func() error { _, err := os.Stat(filepath.Join(work, "elsewhere.ready")); return err })
	if err != nil {
		end()
	}
	ts.Check(err)
	return end
}

func cmdRelease(ts *testscript.TestScript, _ bool, args []string) {
	end, ok := held.Load([2]string{ts.Getenv("WORK"), args[0]})
	if !ok {
		ts.Fatalf("nothing called %s is held", args[0])
	}
	end.(func())()
}

// cmdMount: mount DIR WHAT [FLAG...] makes DIR and mounts WHAT on it until the end of the story.
func cmdMount(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	tool(ts, "mount", append(args[2:], args[1], dir)...)
	ts.Defer(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// cmdSwap: swap FILE makes FILE or a device swap space and uses it until the end of the story.
func cmdSwap(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	tool(ts, "mkswap", path)
	tool(ts, "swapon", path)
	ts.Defer(func() { _ = exec.Command("swapoff", path).Run() })
}

func tool(ts *testscript.TestScript, name string, args ...string) {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		ts.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// cmdPartition: partition DEV tells the kernel of one partition, from 1 MiB to the end, whatever tables it can read.
func cmdPartition(ts *testscript.TestScript, _ bool, args []string) {
	dev := args[0]
	f, err := os.Open(dev)
	ts.Check(err)
	size, err := f.Seek(0, 2)
	ts.Check(errors.Join(err, f.Close()))
	const first = 2048 // sectors
	tool(ts, "addpart", dev, "1", strconv.Itoa(first), strconv.FormatInt(size/512-first, 10))
	ts.Defer(func() { _ = exec.Command("delpart", dev, "1").Run() })
}

// cmdSchema: schema FILE N writes another schema number into a journal.
func cmdSchema(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	db, err := bolt.Open(ts.MkAbs(args[0]), 0o600, &bolt.Options{Timeout: patience})
	ts.Check(err)
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), binary.BigEndian.AppendUint64(nil, n))
	})
	ts.Check(errors.Join(err, db.Close()))
}

// cmdChange: change FILE OLD NEW writes NEW over the first OLD, in place; both have one length.
func cmdChange(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	at := bytes.Index(text, []byte(args[1]))
	if at < 0 || len(args[1]) != len(args[2]) {
		ts.Fatalf("%s holds no %q, or %q is of another length", args[0], args[1], args[2])
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteAt([]byte(args[2]), int64(at))
	ts.Check(errors.Join(err, f.Close()))
}

// cmdFill: fill FILE writes FILE until its filesystem is full.
func cmdFill(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	ts.Check(err)
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, unix.ENOSPC) {
		ts.Fatalf("fill %s: %v", args[0], err)
	}
}

var typeThis = regexp.MustCompile(`(?m)^Type this if you are certain: (.*)$`)

// cmdRetype: retype PERSON [-exit N] types what the last command said to type, to the letter.
func cmdRetype(ts *testscript.TestScript, _ bool, args []string) {
	said := typeThis.FindStringSubmatch(ts.ReadFile("stderr"))
	if said == nil {
		ts.Fatalf("nothing to type was said: %s", ts.ReadFile("stderr"))
	}
	fmt.Fprintf(ts.Stderr(), "typed: %s\n", said[1])
	work(ts, args[0], append(args[1:], said[1]))
}
