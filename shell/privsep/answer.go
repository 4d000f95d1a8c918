package privsep

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"

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
}

// serve hears the child until it is gone or says what makes no sense.
func (c *child) serve(m *Monitor) {
	defer close(c.gone)
	buf, asking := make([]byte, maxMessage), make(chan struct{}, maxAsking)
	for {
		msg, fd, err := c.border.receive(buf)
		if err != nil {
			c.kill()
			return
		}
		if fd != none && msg.Say != saySession {
			unix.Close(fd)
		}
		switch msg.Say {
		case saySession:
			m.begin(fd)
		case sayResources:
			var r Resources
			_ = json.Unmarshal(msg.Body, &r)
			c.alive(r)
		default:
			asking <- struct{}{}
			go func() {
				defer func() { <-asking }()
				c.answer(m, msg)
			}()
		}
	}
}

func (c *child) answer(m *Monitor, q message) {
	a := message{ID: q.ID, Say: sayAnswer}
	body, err := m.work(q)
	if err == nil {
		a.Body, err = json.Marshal(body)
	}
	if err != nil {
		a.Err = err.Error()
	}
	if err := c.border.send(a, none); errors.Is(err, errTooLong) {
		_ = c.border.send(message{ID: q.ID, Say: sayAnswer, Err: err.Error()}, none)
	}
}

// work finds the answer to a question. A panic in it is a defect that costs this answer.
func (m *Monitor) work(q message) (body any, err error) {
	defer func() {
		if r := recover(); r != nil {
			m.Log.Error("defect: panic in an answer", "to", q.Say, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
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

func (m *Monitor) login(body json.RawMessage) (any, error) {
	_, who, o, err := m.lookUp(body)
	if err != nil {
		return nil, err
	}
	m.LoggedIn(who, string(o.Login), o.From)
	return nil, nil
}

// lookUp finds out who somebody with such a key is.
func (m *Monitor) lookUp(body json.RawMessage) (p *gossh.Permissions, who auth.Identity, o offer, err error) {
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, who, o, fmt.Errorf("read an offer: %w", err)
	}
	p, who, err = m.identify(&o)
	return p, who, o, err
}

func (m *Monitor) identify(o *offer) (*gossh.Permissions, auth.Identity, error) {
	from, err := netip.ParseAddrPort(o.From)
	if err != nil {
		return nil, auth.Identity{}, fmt.Errorf("read the client's address: %w", err)
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

// begin runs a session on a socket that the child handed over.
func (m *Monitor) begin(fd int) {
	if fd == none {
		return
	}
	conn, err := sessionSocket(fd)
	if err != nil {
		m.Log.Error("session not begun", "err", err)
		return
	}
	m.mu.Lock()
	room := m.sessions < maxSessions
	if room {
		m.sessions++
	}
	m.mu.Unlock()
	if !room {
		conn.Close()
		return
	}
	go m.session(conn)
}
