package privsep

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"wiped/auth"
)

// maxAsking is how many questions of the child are worked on at once; more wait, unread.
const maxAsking = 64

// answers is all that the child may ask.
var answers = map[string]func(*Monitor, json.RawMessage) (any, error){
	sayAuthorize: (*Monitor).authorize,
	sayLogin:     (*Monitor).login,
	saySign:      (*Monitor).sign,
	saySession:   (*Monitor).room,
}

// serve hears the child until it is gone or says what makes no sense.
func (c *child) serve(m *Monitor) {
	defer close(c.gone)
	buf, asking := make([]byte, maxMessage), make(chan struct{}, maxAsking)
	for {
		msg, err := c.border.hear(buf)
		if err != nil {
			c.kill()
			return
		}
		if msg.Say == sayResources {
			var r Resources
			_ = json.Unmarshal(msg.Body, &r)
			c.alive(r)
			continue
		}
		asking <- struct{}{}
		go func() {
			defer func() { <-asking }()
			c.answer(m, msg)
		}()
	}
}

// socket is an answer that is no text: the child's end of a session's socket.
type socket int

func (c *child) answer(m *Monitor, q message) {
	a, fd := message{ID: q.ID, Say: sayAnswer}, none
	c.working.Add(1)
	body, err := m.work(q)
	c.working.Add(-1)
	if s, ok := body.(socket); ok {
		body, fd = nil, int(s)
		defer unix.Close(fd)
	}
	if err == nil {
		a.Body, err = json.Marshal(body)
	}
	if err != nil {
		a.Err = err.Error()
	}
	if err := c.border.send(a, fd); errors.Is(err, errTooLong) {
		_ = c.border.send(message{ID: q.ID, Say: sayAnswer, Err: err.Error()}, none)
	}
}

// work finds the answer to a question. A panic in it is a defect that costs this answer.
func (m *Monitor) work(q message) (body any, err error) {
	defer func() {
		if r := recover(); r != nil {
			m.logChild(slog.LevelError, "defect: panic in an answer",
				slog.String("to", q.Say), slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
			body, err = nil, errors.New("a defect in wiped")
		}
	}()
	do := answers[q.Say]
	if do == nil {
		return nil, fmt.Errorf("no such question: %q", q.Say)
	}
	return do(m, q.Body)
}

func (m *Monitor) authorize(body json.RawMessage) (any, error) {
	p, who, _, err := m.lookUp(body)
	if err != nil {
		return nil, err
	}
	return grant{CriticalOptions: p.CriticalOptions, Extensions: p.Extensions, Role: who.Role, NoPTY: who.NoPTY, NotAfter: who.NotAfter}, nil
}

// login writes down that somebody came, and hands out the socket of a first session with the answer: that saves a question.
func (m *Monitor) login(body json.RawMessage) (any, error) {
	_, who, o, err := m.lookUp(body)
	if err != nil {
		return nil, err
	}
	m.awaitLogin()
	m.LoggedIn(who, string(cut(o.Login, maxLogin)), o.From)
	if !o.Session {
		return nil, nil
	}
	s, err := m.begin()
	if err != nil {
		return nil, nil // whoever begins a session will ask for one, and hear why not
	}
	return s, nil
}

// maxLogin is the most bytes of a login name that are written down, as in sshd's log.
const maxLogin = 100

func cut[T string | []byte](text T, most int) T { return text[:min(len(text), most)] }

// lookUp finds out who somebody with such a key is.
func (m *Monitor) lookUp(body json.RawMessage) (p *gossh.Permissions, who auth.Identity, o offer, err error) {
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, who, o, fmt.Errorf("read an offer: %w", err)
	}
	p, who, err = m.identify(&o)
	return p, who, o, err
}

func (m *Monitor) identify(o *offer) (*gossh.Permissions, auth.Identity, error) {
	from, err := readAddress(o.From)
	if err != nil {
		return nil, auth.Identity{}, err
	}
	o.From = from.String()
	p, err := m.LookUp(o.credential(), net.TCPAddrFromAddrPort(from))
	if err != nil {
		return nil, auth.Identity{}, err
	}
	who, ok := auth.IdentityOf(p)
	if !ok {
		return nil, auth.Identity{}, errors.New("defect: a key was authorized for nobody")
	}
	return p, who, nil
}

// maxZone is the longest name of a network interface (IFNAMSIZ in linux/if.h, less the zero at its end).
const maxZone = 15

// readAddress reads where the child says that a client is. The zone of an IPv6 address is any text to the parser: one that is no plain name
// of an interface is left out.
func readAddress(text string) (netip.AddrPort, error) {
	from, err := netip.ParseAddrPort(text)
	if err != nil {
		return from, errors.New("the client's address is none")
	}
	zone := from.Addr().Zone()
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(zone) > maxZone || strings.ContainsFunc(zone, odd) {
		from = netip.AddrPortFrom(from.Addr().WithZone(""), from.Port())
	}
	return from, nil
}

// hashSize is the length of an exchange hash of every key exchange on offer, SHA-256's. The host keys sign nothing of another
// length, so that a child taken over can have no other document signed by them: SSHSIG's begin with more than that.
const hashSize = 32

var rsaAlgorithms = []string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256}

func (m *Monitor) sign(body json.RawMessage) (any, error) {
	var q toSign
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, fmt.Errorf("read what is to be signed: %w", err)
	}
	if q.HostKey < 0 || q.HostKey >= len(m.HostKeys) || len(q.Hash) != hashSize {
		return nil, errors.New("that is nothing a host key signs")
	}
	key, ok := m.HostKeys[q.HostKey].(gossh.AlgorithmSigner)
	allowed := []string{m.HostKeys[q.HostKey].PublicKey().Type()}
	if allowed[0] == gossh.KeyAlgoRSA {
		allowed = rsaAlgorithms
	}
	if !ok || !slices.Contains(allowed, q.Algorithm) {
		return nil, fmt.Errorf("this host key does not sign with %q", q.Algorithm)
	}
	s, err := key.SignWithAlgorithm(rand.Reader, q.Hash, q.Algorithm)
	if err != nil {
		return nil, err
	}
	return signed{Format: s.Format, Blob: s.Blob}, nil
}

// What the child tells a client whose session could not be begun.
var (
	errFull  = errors.New("as many sessions run as may. Next: try again when some have ended")
	errFiles = errors.New("the server has as many files open as it may. Next: try again, or raise its limit of open files")
)

func (m *Monitor) room(json.RawMessage) (any, error) {
	s, err := m.begin()
	if err != nil {
		return nil, err
	}
	return s, nil
}

// begin makes the socket of a session, waits on one end of it for what the session is to be, and returns the other. The child's end is
// another open file than this one: nothing that the child does to its own makes a read or a write here hold a thread.
func (m *Monitor) begin() (socket, error) {
	if !m.enter() {
		return none, errFull
	}
	ours, theirs, err := pair(unix.SOCK_STREAM)
	if err != nil {
		m.leave()
		if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
			err = errFiles
		}
		return none, err
	}
	go m.session(os.NewFile(uintptr(ours), "session"))
	return socket(theirs), nil
}

func (m *Monitor) enter() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions >= maxSessions {
		return false
	}
	m.sessions++
	return true
}

func (m *Monitor) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions--
}
