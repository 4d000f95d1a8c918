package engine

import (
	"errors"
	"sync"

	"wiped/engine/drive"
)

// surveys lets jobs that begin or end at the same time share a look at the drives, which costs more the more drives there are. A look began
// after everybody asked who sees what it found, so that it is as fresh as one of their own.
type surveys struct {
	mu      sync.Mutex
	current *survey // under way; nil: none is
	next    *survey // who asks now gets this one; nil: nobody waits for one
}

type survey struct {
	done   chan struct{}
	drives []drive.Drive
	err    error
}

var errNoSurvey = errors.New("a defect: the look at the drives did not come to its end")

// share returns what find finds from now on.
func (s *surveys) share(find func() ([]drive.Drive, error)) ([]drive.Drive, error) {
	s.mu.Lock()
	before, shared := s.current, s.next
	if shared != nil {
		s.mu.Unlock()
		<-shared.done
		return shared.drives, shared.err
	}
	mine := &survey{done: make(chan struct{}), err: errNoSurvey}
	s.next = mine
	s.mu.Unlock()
	if before != nil {
		<-before.done
	}
	s.mu.Lock()
	s.current, s.next = mine, nil // who asks from here on would miss its beginning
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.current = nil
		s.mu.Unlock()
		close(mine.done)
	}()
	mine.drives, mine.err = find()
	return mine.drives, mine.err
}
