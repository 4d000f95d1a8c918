package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"wiped/engine/drive"
)

// unhide opens the hidden areas of the items that are to have it so, which nobody else may use meanwhile. The sizes of
// these drives change, so that the request is to be planned anew. The caller holds submitting, which is free for others while the
// drives are at it: each is waited for only so long, and then stays busy until it answers.
func (e *Engine) unhide(items []Item, req *Request) error {
	req.opened = map[string]opening{}
	items = slices.DeleteFunc(every(items), func(i Item) bool { return !i.unhide })
	for n := range items {
		items[n].Also = nil // it is in the list itself
	}
	claims, err := e.claimAll(items)
	if err != nil {
		return err
	}
	var answers []<-chan *Refusal
	for n, item := range items {
		answers = append(answers, e.openAside(item, claims[n]))
	}
	e.submitting.Unlock()
	defer e.submitting.Lock()
	var refusals Refusals
	late, cancel := context.WithTimeout(context.Background(), e.cfg.Limits.Silence)
	defer cancel()
	for n, item := range items {
		if r := e.opened(item, answers[n], late.Done()); r != nil {
			refusals = append(refusals, r)
			continue
		}
		o := opening{hiddenAreas(item.Answers.Hidden), item.Drive.Size}
		for _, h := range item.Answers.Hidden {
			o.size += h.Bytes
		}
		req.opened[item.Drive.Path] = o
		e.cfg.Log.Info("hidden areas opened", "drive", item.Drive.Name, "serial", item.Drive.Serial, "areas", o.areas)
	}
	return refusals.orNil()
}

// opened waits for the answer of one drive, for as long as that is good.
func (e *Engine) opened(item Item, answer <-chan *Refusal, late <-chan struct{}) *Refusal {
	why, next := "", "unplug it and plug it in again; until it answers it stays busy"
	select {
	case r := <-answer:
		return r
	case <-late:
		why = fmt.Sprintf("the drive has not answered for %s", e.cfg.Limits.Silence)
	case <-e.stop:
		why, next = "the server is stopping, and the drive has not answered yet", "log in again later, and look at it: drive "+arg(item.Drive.Name)
	}
	select {
	case r := <-answer: // both had come
		return r
	default:
		e.cfg.Log.Error("hidden areas not opened", "drive", item.Drive.Name, "why", why)
		return refuse(Unsafe, item.Drive.Name, "its hidden area could not be opened: "+why, next)
	}
}

// openAside opens the hidden areas of one claimed drive in a goroutine of its own, which gives the drive back before it answers.
func (e *Engine) openAside(item Item, c drive.Claim) <-chan *Refusal {
	answer := make(chan *Refusal, 1)
	e.setOpening(item.Drive.ID, true)
	go func() {
		r := e.openGuarded(item, c)
		_ = c.Close() // read-only: nothing can be lost
		e.setOpening(item.Drive.ID, false)
		answer <- r
	}()
	return answer
}

// setOpening takes note that hidden areas of a drive are being opened, or not any more.
func (e *Engine) setOpening(id drive.ID, opening bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opening == nil {
		e.opening = map[string]bool{}
	}
	for _, k := range id.Keys {
		if opening {
			e.opening[k] = true
		} else {
			delete(e.opening, k)
		}
	}
}

// openGuarded turns a panic of what speaks to the drive into a refusal.
func (e *Engine) openGuarded(item Item, c drive.Claim) (r *Refusal) {
	defer func() {
		if p := recover(); p != nil {
			e.cfg.Log.Error("defect: panic while hidden areas are opened", "drive", item.Drive.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			r = refuse(Unsafe, item.Drive.Name, fmt.Sprintf("its hidden area could not be opened: a defect in wiped: %v", p), "drive "+arg(item.Drive.Name))
		}
	}()
	return openAreas(item, c)
}

// openAreas opens the hidden areas of one claimed drive.
func openAreas(item Item, c drive.Claim) *Refusal {
	f, err := c.Firmware()
	if err == nil {
		defer f.Close()
		err = f.Unhide()
	}
	if err == nil {
		err = c.Rescan()
	}
	if err == nil {
		return nil
	}
	r := &Refusal{Kind: Unsafe, What: item.Drive.Name, Why: "its hidden area could not be opened: " + drive.Clean(err.Error()),
		Next: "erase it with --keep-hidden, or destroy it", Cause: err}
	var said *drive.RefusedError
	if errors.As(err, &said) && said.Next != "" {
		r.Next = said.Next
	}
	return r
}
