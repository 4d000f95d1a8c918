package engine

import (
	"errors"
	"fmt"
	"os"
	"time"

	"wiped/engine/drive"
)

// prober speaks to a drive that may hang: no question is asked while the one before has no answer, and nobody waits
// longer than is good.
type prober struct {
	firmware drive.Firmware
	action   drive.Action
	job      *job
	mark     *os.File    // of a command that another process is to send; nil: this one
	order    chan error  // the answer to the command, while there is none
	question chan answer // the answer to the question, while there is none
}

type answer struct {
	status drive.Status
	err    error
}

var errSilent = errors.New("the drive is silent")

// erase sends the command and returns where its answer will come.
func (p *prober) erase() <-chan error {
	p.order = make(chan error, 1)
	reply := make(chan error, 1)
	sent := &request{what: "erase", own: true}
	p.job.sends(sent)
	go func() {
		defer p.job.cameBack(sent)
		err := p.guarded(p.send)
		p.order <- err
		reply <- err
	}()
	return reply
}

// send sends the command, and returns with its answer.
func (p *prober) send() error {
	if p.mark == nil {
		return p.firmware.Erase(p.action)
	}
	defer p.mark.Close()
	return p.firmware.(drive.Apart).EraseApart(p.job.command(p.mark))
}

// look asks the drive how far it is.
func (p *prober) look() (drive.Status, error) {
	if p.question == nil {
		question := make(chan answer, 1)
		p.question = question
		asked := &request{what: "status", own: true}
		p.job.sends(asked)
		go func() {
			defer p.job.cameBack(asked)
			var a answer
			a.err = p.guarded(func() (err error) { a.status, err = p.firmware.Status(p.action); return err })
			question <- a
		}()
	}
	select {
	case a := <-p.question:
		p.question = nil
		return a.status, a.err
	case <-time.After(lookTime):
		return drive.Status{}, errSilent
	}
}

// guarded turns a panic of what speaks to the drive into an error that leaves everything open.
func (p *prober) guarded(speak func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.job.e.cfg.Log.Error("defect: panic while speaking to a drive", "job", p.job.rec.ID, "panic", fmt.Sprint(r))
			err = fmt.Errorf("a defect in wiped: %v", r)
		}
	}()
	return speak()
}

// close ends the conversation, unless an answer is still awaited: then it is left as it is.
func (p *prober) close() {
	if p.question != nil {
		return
	}
	select {
	case <-p.order:
	default:
		if p.order != nil {
			return
		}
	}
	if err := p.firmware.Close(); err != nil {
		p.job.e.cfg.Log.Warn("end the conversation with the drive", "job", p.job.rec.ID, "err", err)
	}
}
