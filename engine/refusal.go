package engine

import (
	"fmt"
	"strings"
)

// Kind says what sort of refusal it is; the shell has an exit code for each.
type Kind int

// The kinds of refusal.
const (
	Unsafe      Kind = iota + 1 // a safety rule forbids it
	Unconfirmed                 // nobody confirmed the drive
	Invalid                     // what was asked for cannot be: wrong words
	NotFound                    // no such drive or job
)

// Refusal is why something asked for is not done. It is text for the operator; Cause is for the log.
type Refusal struct {
	Kind    Kind
	What    string // the drive or job concerned, "a.img"; may be empty
	Why     string // "in use: mounted on /mnt"
	Next    string // what to do about it, as a command where there is one; may be empty
	Confirm string // Unconfirmed: the word that confirms this drive
	Cause   error
}

func (r *Refusal) Error() string {
	text := r.Why
	if r.What != "" {
		text = r.What + ": " + text
	}
	if r.Next != "" {
		text += ". Next: " + r.Next
	}
	return text
}

func (r *Refusal) Unwrap() error { return r.Cause }

// Refusals are all the reasons why a command was refused as a whole.
type Refusals []*Refusal

func (r Refusals) Error() string {
	var all []string
	for _, one := range r {
		all = append(all, one.Error())
	}
	return strings.Join(all, "\n")
}

// Kind is the kind of the whole: what is wrong in the command itself counts first, a missing confirmation last.
func (r Refusals) Kind() Kind {
	for _, kind := range []Kind{Invalid, NotFound, Unsafe, Unconfirmed} {
		for _, one := range r {
			if one.Kind == kind {
				return kind
			}
		}
	}
	return Unsafe
}

// orNil keeps an empty list from becoming an error that is not nil.
func (r Refusals) orNil() error {
	if len(r) == 0 {
		return nil
	}
	return r
}

func refuse(kind Kind, what, why, next string) *Refusal {
	return &Refusal{Kind: kind, What: what, Why: why, Next: next}
}

func noJob(id uint64) *Refusal {
	return refuse(NotFound, fmt.Sprintf("job %d", id), "there is no such job", "jobs --all")
}
