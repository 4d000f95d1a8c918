package privsep

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wiped/shell/privsep/sandbox"
)

// child is the monitor's view of one child process.
type child struct {
	cmd    *exec.Cmd
	border border
	logged chan struct{} // closed when all that it logged has been read
	gone   chan struct{} // closed when it is served no more

	working atomic.Int64 // questions whose answer is looked for

	mu    sync.Mutex
	held  Resources
	asked time.Time       // zero: no sign of life is awaited
	told  []chan struct{} // who waits for the next one
}

// startChild starts one and waits until it is ready.
func (m *Monitor) startChild() (*child, error) {
	ours, theirs, err := pair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, err
	}
	conn, err := unixConn(os.NewFile(uintptr(ours), "border"))
	if err != nil {
		unix.Close(theirs)
		return nil, err
	}
	c := &child{border: border{conn}, logged: make(chan struct{}), gone: make(chan struct{})}
	end := os.NewFile(uintptr(theirs), "border")
	err = c.start(m, end)
	end.Close() // at once: as long as anybody has it open, the end of the child is not seen
	if err != nil {
		conn.Close()
		return nil, err
	}
	if err := c.welcome(m); err != nil {
		c.kill()
		return nil, errors.Join(err, c.wait())
	}
	return c, nil
}

func (c *child) start(m *Monitor, theirs *os.File) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for its log: %w", err)
	}
	defer w.Close()
	// What this process was started with, and does not know of, is not for the child either.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	c.cmd = &exec.Cmd{
		Path: m.Program, Args: m.Args, Env: []string{"GOTRACEBACK=single"}, Stderr: w, ExtraFiles: []*os.File{theirs, m.listener},
		// In a session of its own it gets no ^C that is meant for this process.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	}
	if err := c.cmd.Start(); err != nil {
		r.Close()
		return err
	}
	go func() {
		defer close(c.logged)
		defer r.Close()
		relayLog(r, m.logChild)
	}()
	return nil
}

// welcome tells the child what it works with, and hears that it is ready.
func (c *child) welcome(m *Monitor) error {
	c.border.SetDeadline(time.Now().Add(readyTime))
	defer c.border.SetDeadline(time.Time{})
	w := welcome{User: m.User, LoginGrace: m.LoginGrace, Keepalive: m.Keepalive}
	for _, key := range m.HostKeys {
		w.HostKeys = append(w.HostKeys, key.PublicKey().Marshal())
	}
	body, err := json.Marshal(w)
	if err == nil {
		err = c.border.send(message{Say: sayWelcome, Body: body}, none)
	}
	if err != nil {
		return err
	}
	answer, err := c.border.hear(make([]byte, maxMessage))
	var p sandbox.Protections
	if err == nil && answer.Say != sayReady {
		err = fmt.Errorf("it said %q", answer.Say)
	}
	if err == nil {
		err = json.Unmarshal(answer.Body, &p)
	}
	if err != nil {
		return fmt.Errorf("it did not get ready: %w", err)
	}
	m.Log.Info("SSH process started", "pid", c.cmd.Process.Pid, "confined", p)
	return nil
}

func (c *child) say(what string) { _ = c.border.send(message{Say: what}, none) }

func (c *child) kill() {
	if c.cmd.Process != nil {
		_ = c.cmd.Process.Kill()
	}
}

// wait returns when the process has ended and all that it logged is logged.
func (c *child) wait() error {
	c.border.Close()
	err := c.cmd.Wait()
	<-c.logged
	return err
}

// watch kills a child that gives no sign of life, or has ended the listening: nobody could log in, and nothing would say so.
func (c *child) watch(m *Monitor) {
	w := m.watching()
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		select {
		case <-c.gone:
			return
		case now := <-tick.C:
			why := ""
			if c.owes(now) > w.patience {
				why = "it gives no sign of life"
			} else if !m.listens() {
				why = "it ended the listening"
			}
			if why != "" {
				m.Log.Error("the SSH process is killed: " + why)
				c.kill()
				return
			}
		}
	}
}

// owes asks for a sign of life, unless one is owed, and returns for how long. While this process itself has all hands full with the child's
// questions, a drive of STATE that hangs, say, it does not hear the child, who is not to blame.
func (c *child) owes(now time.Time) time.Duration {
	busy := c.working.Load() >= maxAsking
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked.IsZero() {
		c.asked = now
		go c.say(sayResources)
	}
	if busy {
		c.asked = now
	}
	return now.Sub(c.asked)
}

// alive notes a sign of life.
func (c *child) alive(r Resources) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held, c.asked = r, time.Time{}
	for _, waiter := range c.told {
		close(waiter)
	}
	c.told = nil
}

// resources asks the child what it holds now; zero if it does not say so within the time given.
func (c *child) resources(most time.Duration) Resources {
	told := make(chan struct{})
	c.mu.Lock()
	c.told = append(c.told, told)
	c.mu.Unlock()
	go c.say(sayResources)
	select {
	case <-told:
	case <-c.gone:
	case <-time.After(most):
		return Resources{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}
