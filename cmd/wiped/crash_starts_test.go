//go:build crash

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// aimStart kills a start that finds interrupted jobs, and leaves another one to be killed.
func aimStart(s *crashStation) {
	s.begin("vsitr", "ops-ii", "schneier", "gutmann")
	s.untilPass()
	s.end(syscall.SIGKILL)
	s.figures.count(func(f *crashFigures) { f.Kills["a pass"]++ })
	cmd := s.launch(s.dir, s.images...)
	s.cmd = cmd
	s.sleep(25 * time.Millisecond)
}

// launch runs a server and waits for nothing.
func (s *crashStation) launch(dir string, flags ...string) *exec.Cmd {
	s.t.Helper()
	flags = append([]string{"serve", "--listen", "127.0.0.1:0", "--state", filepath.Join(dir, "state"), "--drives", "none"}, flags...)
	cmd := exec.Command("wiped", flags...)
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

var announcedKey = regexp.MustCompile(`(?:host|certificate) key \w+ SHA256:\S+`)

// aimFirstStart kills starts of a station that has nothing yet but its authorized keys; the one that is not killed must come up,
// with the keys that a start before may have announced.
func aimFirstStart(s *crashStation) {
	dir, err := os.MkdirTemp(s.dir, "first")
	if err != nil {
		s.t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	own, err := os.ReadFile(filepath.Join(s.dir, "state", "authorized_keys"))
	if err == nil {
		err = os.Mkdir(state, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(state, "authorized_keys"), own, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for range 3 {
		cmd := s.launch(dir)
		s.sleep(150 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		s.figures.count(func(f *crashFigures) { f.Kills["the first start, keys being made"]++ })
	}
	fresh := &bench{t: s.t, dir: dir}
	fresh.start()
	fresh.end(syscall.SIGKILL)
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	keys := map[string]bool{}
	for _, line := range announcedKey.FindAll(log, -1) {
		keys[string(bytes.TrimSuffix(line, []byte(`"`)))] = true
	}
	if len(keys) != 3 {
		s.fault("a first start that was killed three times announced %d keys, and a station has 3: %v", len(keys), keys)
	}
	_ = os.RemoveAll(dir)
}
