package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// Messages is messages.txt: TIME, tab, OPERATOR, tab, TEXT. The text is kept byte for byte.
type Messages struct{ lines *lines }

// Message is one line of messages.txt. Text holds any bytes but a line end and NUL.
type Message struct {
	Time     string `json:"time"`
	Operator string `json:"operator"`
	Text     string `json:"text"`
}

// OpenMessages opens or creates the file at path.
func OpenMessages(path string) (*Messages, error) {
	l, _, err := openLines(path, nil)
	if err != nil {
		return nil, fmt.Errorf("open messages: %w", err)
	}
	return &Messages{l}, nil
}

// Save keeps a message, if there is room for one; it is on disk when Save returns without an error.
func (m *Messages) Save(at time.Time, operator, text string) error {
	if err := m.Room(); err != nil {
		return fmt.Errorf("save message: %w", err)
	}
	m.lines.mu.Lock()
	defer m.lines.mu.Unlock()
	line := fmt.Appendf(nil, "%s\t%s\t%s", At(at), EscapeOnce(operator), text)
	if bytes.ContainsAny(line, "\n\x00") {
		return fmt.Errorf("save message: it holds a line end or a NUL byte")
	}
	return wrap("save message", m.lines.append(line))
}

// Each calls show with the messages, oldest first, until it fails. The file is read as far as they are shown.
func (m *Messages) Each(show func(Message) error) error {
	m.lines.mu.Lock()
	size := m.lines.size
	m.lines.mu.Unlock()
	r := bufio.NewReader(io.NewSectionReader(m.lines.file, 0, size))
	for {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read messages: %w", err)
		}
		if len(line) == 0 {
			return nil
		}
		if err := show(parseMessage(line)); err != nil {
			return err
		}
	}
}

func parseMessage(line []byte) Message {
	part := bytes.SplitN(bytes.TrimSuffix(line, []byte("\n")), []byte("\t"), 3)
	for len(part) < 3 { // somebody edited the file: show the line all the same
		part = append([][]byte{nil}, part...)
	}
	return Message{string(part[0]), string(part[1]), string(part[2])}
}

// Close closes the file.
func (m *Messages) Close() error { return m.lines.file.Close() }
