//go:build crash

package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

func (s *crashStation) lookAtCancel(docs map[uint64]jobDoc) {
	s.t.Helper()
	if s.cancelling == nil {
		return
	}
	<-s.cancelling.done
	out := s.cancelling.out.String()
	for _, line := range strings.SplitAfter(out, "\n") {
		var id uint64
		if n, _ := fmt.Sscanf(line, "job %d cancelled at", &id); n == 1 && strings.HasSuffix(line, "\n") {
			s.figures.count(func(f *crashFigures) { f.Acked++ })
			if docs[id].State != "cancelled" {
				s.fault("it was said that job %d is cancelled, and now it is %s", id, docs[id].State)
			}
		}
	}
	if strings.Contains(out, "\n") {
		s.commands[s.cancelLine]++
	}
	s.cancelling = nil
}

func (s *crashStation) lookAtMessages() {
	s.t.Helper()
	var kept []struct{ Text string }
	if err := json.Unmarshal([]byte(s.must("messages --json")), &kept); err != nil {
		s.t.Fatal(err)
	}
	found := map[string]int{}
	for _, m := range kept {
		found[m.Text]++
		if !s.tried[m.Text] {
			s.fault("there is a message that nobody left: %q", m.Text)
		}
	}
	for _, text := range s.messages {
		if found[text] != 1 {
			s.fault("Message saved! was said, and it is there %d times: %q", found[text], text)
		}
	}
	s.figures.count(func(f *crashFigures) { f.Acked += len(s.messages) })
}

func (s *crashStation) lookAtAudit() {
	s.t.Helper()
	s.must("audit verify")
	found := map[string]int{}
	for _, line := range strings.Split(s.must("audit --json"), "\n") {
		var e struct{ Action, Command string }
		if json.Unmarshal([]byte(line), &e) == nil && e.Action == "command" {
			found[e.Command]++
		}
	}
	for line, times := range s.commands {
		if found[line] < times {
			s.fault("a command was acknowledged %d times, and the audit has it %d times: %s", times, found[line], line)
		}
	}
	s.figures.count(func(f *crashFigures) { f.Acked += len(s.commands) })
}
