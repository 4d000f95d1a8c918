package boot

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// StateDir is where a station keeps everything.
const StateDir = "/var/lib/wiped"

// stateWait is how long a state partition may take to turn up: memory instead of it is a loss.
const stateWait = 30 * time.Second

// memory is the state of a station without a partition for it. It may not take all of the machine's memory.
var memory = mount{"tmpfs", StateDir, "tmpfs", noPrograms, "mode=0700,size=25%"}

// stateKind is where the state is.
type stateKind int

const (
	noState stateKind = iota // not yet anywhere
	inMemory
	onPartition
)

// openState mounts the state, once. If the partition that was asked for cannot be used it is memory, and the console
// says so.
func (m *Machine) openState(wanted string) {
	if m.stateKind() != noState {
		return
	}
	kind := inMemory
	switch {
	case mounted(StateDir): // the server was started again within one boot
		if stateMount().kind != "tmpfs" {
			kind = onPartition
		}
	case wanted != "":
		err := m.mountState(wanted)
		if err == nil {
			kind = onPartition
			break
		}
		m.problem("state", fmt.Errorf("THE STATE IS KEPT IN MEMORY ONLY, though %s was asked for: %w", wanted, err))
		m.problem("memory", memory.make())
	default:
		m.problem("memory", memory.make())
	}
	m.mu.Lock()
	m.state = kind
	m.mu.Unlock()
}

func (m *Machine) stateKind() stateKind {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

func stateMount() mount { return mountAt(StateDir) }

// notConfig refuses the partition that the configuration is read from: what holds the keys is never written.
func notConfig(v volume, config string) error {
	if v.device() != config {
		return nil
	}
	return fmt.Errorf("%s holds the configuration, which stays read-only. Next: make a second partition for the state, with another label", v.device())
}

// mountState waits for the partition, mounts it and tries whether it takes anything.
func (m *Machine) mountState(wanted string) error {
	v, err := m.awaitVolume(wanted)
	if err != nil {
		return err
	}
	m.modules.loadFor("fs-" + v.kind)
	if err := notConfig(v, mountAt(configDir).source); err != nil {
		return err
	}
	if err := mountVolume(v, StateDir, 0); err != nil {
		if errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) {
			return fmt.Errorf("%w: it is read-only. Next: take the write protection away and start again", err)
		}
		return fmt.Errorf("%w. Next: check it with fsck on another machine, or make it afresh with mkfs.ext4", err)
	}
	_ = os.Chmod(StateDir, 0o700) // not possible on FAT, and not needed there
	if err := tryWriting(StateDir); err != nil {
		return errors.Join(explainWrite(err), unix.Unmount(StateDir, unix.MNT_DETACH))
	}
	return nil
}

// tryWriting finds out whether a directory takes a megabyte: less is of no use for the journal.
func tryWriting(dir string) error {
	path := filepath.Join(dir, ".wiped-try")
	defer os.Remove(path)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(bytes.Repeat([]byte{'w'}, 1<<20))
	return errors.Join(err, f.Sync(), f.Close())
}

func explainWrite(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("it is full (%w). Next: make room on it and start again", err)
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("it is read-only (%w). Next: take the write protection away, or check it with fsck", err)
	}
	return fmt.Errorf("it cannot be written: %w", err)
}

// awaitVolume waits for one partition, which is named by its label or its device.
func (m *Machine) awaitVolume(wanted string) (volume, error) {
	for end, said := time.Now().Add(stateWait), false; ; {
		v, err := chooseVolume(m.look(), wanted)
		if err != nil && !said {
			m.step("waiting up to %s for the state partition %s", stateWait, wanted)
			said = true
		}
		if err == nil || time.Now().After(end) || m.ctx.Err() != nil {
			return v, err
		}
		m.events.await(m.ctx, time.Second)
	}
}

func chooseVolume(volumes []volume, wanted string) (volume, error) {
	found := labelled(volumes, wanted)
	if name, ok := strings.CutPrefix(wanted, "/dev/"); ok {
		found = nil
		for _, v := range volumes {
			if v.name == name {
				found = append(found, v)
			}
		}
	}
	switch len(found) {
	case 0:
		return volume{}, errors.New("no such partition with ext4 or FAT on it was found. Next: plug it in and start again")
	case 1:
		return found[0], nil
	}
	return volume{}, fmt.Errorf("several partitions have this label: %s. Next: name the device", deviceNames(found))
}
