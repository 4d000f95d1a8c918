// Package apart sends drives the commands that block from a process of its own each, which outlives this one: a thread that waits
// for such a command cannot be ended. It knows how an order gets there and its answer back, and nothing of what an action is.
package apart

import (
	"os"
	"os/exec"
	"sync/atomic"

	"wiped/engine/drive"
)

// Start makes the command that runs the program which calls Serve. words are for those who look at the list of processes.
type Start func(words ...string) *exec.Cmd

// Sets are command sets whose firmware is a drive.Apart.
func Sets(start Start, sets ...drive.CommandSet) (all []drive.CommandSet) {
	for _, s := range sets {
		all = append(all, set{s, start})
	}
	return all
}

type set struct {
	drive.CommandSet
	start Start
}

func (s set) Firmware(dev *os.File, n drive.Node) (drive.Firmware, error) {
	f, err := s.CommandSet.Firmware(dev, n)
	if err != nil {
		return nil, err
	}
	return &firmware{Firmware: f, start: s.start, dev: dev, node: n}, nil
}

// firmware gives the other orders, and asks the questions, itself.
type firmware struct {
	drive.Firmware
	start Start
	dev   *os.File
	node  drive.Node
	// undone is the action, if any, whose last command through here did not come to a good end. That the drive is as after one
	// proves nothing then.
	undone atomic.Value
}

var _ drive.Apart = (*firmware)(nil)

func (f *firmware) EraseApart(o drive.Order) error {
	f.undone.Store(o.Action)
	err := f.send(o)
	if err == nil {
		f.undone.Store(drive.Action(""))
	}
	return err
}

func (f *firmware) Left(o drive.Order) error { return left(o) }

// Status is what the drive says, unless it speaks of a success that it did not have.
func (f *firmware) Status(a drive.Action) (drive.Status, error) {
	s, err := f.Firmware.Status(a)
	if err == nil && s.Phase == drive.Succeeded && !s.Named && f.undone.Load() == a {
		s.Phase, s.Done, s.Text = drive.None, -1, s.Text+", and none ended well"
	}
	return s, err
}
