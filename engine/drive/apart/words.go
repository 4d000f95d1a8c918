package apart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"wiped/engine/drive"
)

// mostHeld is to how many paths a drive is held at most.
const mostHeld = 1024

// mostWords is how long a request or an answer may be, in bytes.
const mostWords = 1 << 20

// request is what the process is told.
type request struct {
	Action drive.Action
	Token  string
	Node   drive.Node
	Held   int // descriptors between the drive's and the mark's
}

// answer is what became of a command: exactly one of Done, Refused and Failed.
type answer struct {
	Token   string              `json:"token"`
	Action  drive.Action        `json:"action"`
	Done    bool                `json:"done,omitempty"`
	Refused *drive.RefusedError `json:"refused,omitempty"`
	Failed  string              `json:"failed,omitempty"` // it is open what became of it, and this is why
}

// answered puts what Erase returned into words.
func answered(r request, err error) answer {
	a := answer{Token: r.Token, Action: r.Action}
	var refused *drive.RefusedError
	switch {
	case err == nil:
		a.Done = true
	case errors.As(err, &refused):
		a.Refused = &drive.RefusedError{Why: plain(refused.Why), Next: plain(refused.Next), Text: plain(refused.Text)}
	default:
		a.Failed = plain(err.Error())
	}
	return a
}

// err is what Erase returned.
func (a answer) err() error {
	switch {
	case a.Done:
		return nil
	case a.Refused != nil:
		return a.Refused
	}
	return errors.New(a.Failed)
}

// parseRequest takes exactly one request.
func parseRequest(text []byte) (r request, err error) {
	if err := parse(text, &r); err != nil {
		return request{}, fmt.Errorf("not a request: %w", err)
	}
	if r.Action == "" || r.Token == "" || r.Node.Info.Name == "" || r.Held < 0 || r.Held > mostHeld {
		return request{}, errors.New("not a request: it names no action, no order or no drive")
	}
	return r, nil
}

// parseAnswer takes exactly one answer, to this order and no other.
func parseAnswer(text []byte, o drive.Order) (a answer, err error) {
	if err := parse(text, &a); err != nil {
		return answer{}, fmt.Errorf("not an answer: %w", err)
	}
	if a.Token != o.Token || a.Action != o.Action {
		return answer{}, errors.New("not an answer to this order")
	}
	said := 0
	texts := []string{a.Failed}
	for _, is := range []bool{a.Done, a.Refused != nil, a.Failed != ""} {
		if is {
			said++
		}
	}
	if r := a.Refused; r != nil {
		texts = append(texts, r.Why, r.Next, r.Text)
	}
	for _, t := range texts {
		if t != plain(t) {
			return answer{}, errors.New("not an answer: its words hold control characters")
		}
	}
	if said != 1 || a.Refused != nil && a.Refused.Why == "" {
		return answer{}, errors.New("not an answer: it does not say one thing")
	}
	return a, nil
}

func parse(text []byte, to any) error {
	if len(text) > mostWords {
		return errors.New("it is too long")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows it")
	}
	return nil
}

// plain is text without what does things to a terminal. What is in it already as an escape stays as it is.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
