package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdTamper: tamper FILE OFFSET TEXT writes TEXT into a file behind everybody's back.
func cmdTamper(ts *testscript.TestScript, _ bool, args []string) {
	at, err := parseSize(args[1])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	defer f.Close()
	_, err = f.WriteAt([]byte(args[2]), at)
	ts.Check(err)
}

// cmdTerm: term sends the server SIGTERM and goes on; term gone CODE waits for its end.
func cmdTerm(ts *testscript.TestScript, _ bool, args []string) {
	st := stationOf(ts)
	if len(args) == 0 {
		ts.Check(st.cmd.Process.Signal(syscall.SIGTERM))
		return
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if code := st.wait(ts); code != want {
		ts.Fatalf("the server ended with %d, want %d:\n%s", code, want, st.log(ts))
	}
}

// keyboards is what people at terminals type into.
var keyboards sync.Map

type keyboard struct {
	station *running
	name    string
}

// cmdTypist: typist NAME PERSON [WORD...] sits down at a terminal and stays there; keys NAME TEXT types, with ^C and ^D for those
// keys and \n for Enter; leave NAME is how it ends.
func cmdTypist(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("ssh", append(append(sshArgs(ts, args[1], "-tt"), "op@127.0.0.1"), args[2:]...)...)
	out, errOut := &lockedBuffer{}, &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, errOut
	in, err := cmd.StdinPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	b := &inBackground{cmd, out, errOut, make(chan struct{})}
	go func() { <-b.gone; _ = in.Close() }()
	go func() { _ = cmd.Wait(); close(b.gone) }()
	st := stationOf(ts)
	st.jobs[args[0]] = b
	keyboards.Store(keyboard{st, args[0]}, in)
	ts.Defer(func() { _ = cmd.Process.Kill(); <-b.gone })
}

func cmdKeys(ts *testscript.TestScript, _ bool, args []string) {
	in, ok := keyboards.Load(keyboard{stationOf(ts), args[0]})
	if !ok {
		ts.Fatalf("nobody called %s types", args[0])
	}
	_, err := io.WriteString(in.(io.Writer), strings.NewReplacer("^C", "\x03", "^D", "\x04", `\n`, "\r").Replace(args[1]))
	ts.Check(err)
}

// cmdTell: tell VAR ID KEY puts one value of `job ID --json` into VAR.
func cmdTell(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], fmt.Sprint(jobOf(ts, args[1])[args[2]]))
}

func jobOf(ts *testscript.TestScript, id string) map[string]any {
	out, err := exec.Command("ssh", sshArgs(ts, "viewer", "-T", "op@127.0.0.1", "job", id, "--json")...).Output()
	ts.Check(err)
	var job map[string]any
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	ts.Check(d.Decode(&job))
	return job
}

// cmdOrdered: ordered ID... checks that the jobs began in that order, each after the one before had ended.
func cmdOrdered(ts *testscript.TestScript, _ bool, args []string) {
	var before time.Time
	for _, id := range args {
		job := jobOf(ts, id)
		began, err := time.Parse(time.RFC3339Nano, fmt.Sprint(job["started"]))
		ts.Check(err)
		if began.Before(before) {
			ts.Fatalf("job %s began at %v, before the one before it had ended, at %v", id, began, before)
		}
		before, err = time.Parse(time.RFC3339Nano, fmt.Sprint(job["ended"]))
		ts.Check(err)
	}
}

// cmdPatterned: patterned FILE CERTIFICATE checks every byte of FILE against the last pass of a certificate, with nothing but
// the standard library.
func cmdPatterned(ts *testscript.TestScript, neg bool, args []string) {
	content, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var c struct {
		Passes []struct{ Pattern struct{ Bytes, Key string } }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &c))
	p := c.Passes[len(c.Passes)-1].Pattern
	want := make([]byte, len(content))
	if p.Key != "" {
		key, err := hex.DecodeString(p.Key)
		ts.Check(err)
		block, err := aes.NewCipher(key)
		ts.Check(err)
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(want, want)
	} else {
		fixed, err := hex.DecodeString(p.Bytes)
		ts.Check(err)
		for i := range want {
			want[i] = fixed[i%len(fixed)]
		}
	}
	if same := bytes.Equal(content, want); same == neg {
		ts.Fatalf("%s holds what %s says: %v", args[0], args[1], same)
	}
}

// The keys of an event, and of the last one.
var (
	eventKeys = []string{"action", "bytes_per_second", "done_bytes", "drive", "errors", "eta_seconds", "job", "pass", "passes", "seq", "serial", "state", "time", "total_bytes"}
	lastKeys  = []string{"level", "reason", "result", "verification"}
)

// cmdStream: stream FILE [LAST-STATE] checks that FILE is one JSON object a line with exactly the keys of an event, that
// seq grows for each job, and how it ends.
func cmdStream(ts *testscript.TestScript, _ bool, args []string) {
	seq := map[string]int64{}
	state := ""
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	for _, line := range lines {
		event, err := parseEvent(line)
		if err != nil {
			ts.Fatalf("%v: %s", err, line)
		}
		job := fmt.Sprint(event["job"])
		n, err := event["seq"].(json.Number).Int64()
		ts.Check(err)
		if n <= seq[job] {
			ts.Fatalf("job %s: seq %d after %d", job, n, seq[job])
		}
		seq[job], state = n, fmt.Sprint(event["state"])
	}
	if len(args) > 1 && state != args[1] {
		ts.Fatalf("the stream ends with %s, want %s:\n%s", state, args[1], lines[len(lines)-1])
	}
}

func parseEvent(line string) (map[string]any, error) {
	var event map[string]any
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&event); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one object")
	}
	var keys []string
	for k := range event {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	want := eventKeys
	if event["result"] != nil {
		want = slices.Sorted(slices.Values(slices.Concat(eventKeys, lastKeys)))
	}
	if !slices.Equal(keys, want) {
		return nil, fmt.Errorf("the keys are %v, want %v", keys, want)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000000Z", fmt.Sprint(event["time"])); err != nil {
		return nil, err
	}
	return event, nil
}

// cmdFillin: fillin FILE puts in the values of the story's variables.
func cmdFillin(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), func(name string) string {
		if value := ts.Getenv(name); value != "" || name == "" {
			return value
		}
		return "$" + name
	})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
