//go:build hostile || load

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// holding is what the server and all its child processes hold.
type holding struct {
	processes, descriptors int
	goroutines             int // 0: the program does not tell
	resident               int64
	anonymous              int64 // of resident: heap and stacks, without what is read from files
	cpu                    time.Duration
}

// meter looks at the processes of a server from outside, and may ask them.
type meter struct {
	pid          int
	program, log string // files
}

// processes are the server's process and all below it.
func (m *meter) processes() (ids []int) {
	ids = []int{m.pid}
	for n := 0; n < len(ids); n++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", ids[n]))
		for _, list := range lists {
			text, _ := os.ReadFile(list)
			for word := range strings.FieldsSeq(string(text)) {
				if id, err := strconv.Atoi(word); err == nil {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids
}

// used measures without asking the server anything.
func (m *meter) used() (u holding) {
	for _, id := range m.processes() {
		open, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", id))
		u.processes++
		u.descriptors += len(open)
		u.resident += int64(resident(id))
		u.anonymous += anonymous(id)
		u.cpu += cpu(id)
	}
	return u
}

var rssAnon = regexp.MustCompile(`(?m)^RssAnon:\s*(\d+) kB$`)

// anonymous is how much memory of a process is neither of a file nor shared, in bytes.
func anonymous(id int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
	found := rssAnon.FindSubmatch(text)
	if found == nil {
		return 0
	}
	kB, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return kB << 10
}

// cpu is the processor time that the threads of a process have taken, which the kernel counts in nanoseconds here.
func cpu(id int) (all time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", id))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		if words := bytes.Fields(text); len(words) > 0 {
			n, _ := strconv.ParseInt(string(words[0]), 10, 64)
			all += time.Duration(n)
		}
	}
	return all
}

var resources = regexp.MustCompile(`resources.* process=\w+ goroutines=(\d+) descriptors=(\d+) resident_bytes=(\d+)`)

// held asks all processes of the server what they hold; a program that knows of no such question is looked at from outside, for to it
// the signal would be its end.
func (m *meter) held() (sum holding, err error) {
	program, err := os.ReadFile(m.program)
	if err != nil || !bytes.Contains(program, []byte("resident_bytes")) {
		return m.used(), err
	}
	before, err := os.ReadFile(m.log)
	if err != nil {
		return sum, err
	}
	want := len(m.processes())
	if err := syscall.Kill(m.pid, syscall.SIGUSR1); err != nil {
		return sum, err
	}
	err = eventually(func() error {
		text, err := os.ReadFile(m.log)
		if err != nil {
			return err
		}
		said := resources.FindAllStringSubmatch(string(text[len(before):]), -1)
		if len(said) < want {
			return fmt.Errorf("%d of %d processes said what they hold", len(said), want)
		}
		now := m.used()
		sum = holding{processes: want, anonymous: now.anonymous, cpu: now.cpu}
		for _, line := range said {
			goroutines, _ := strconv.Atoi(line[1])
			descriptors, _ := strconv.Atoi(line[2])
			bytes, _ := strconv.ParseInt(line[3], 10, 64)
			sum.goroutines, sum.descriptors, sum.resident = sum.goroutines+goroutines, sum.descriptors+descriptors, sum.resident+bytes
		}
		return nil
	})
	return sum, err
}
