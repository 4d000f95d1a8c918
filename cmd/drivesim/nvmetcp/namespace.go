package nvmetcp

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// formats are the LBA formats of every namespace, as powers of two of bytes.
var formats = [...]uint{9, 12}

// Namespace is what a line says of one namespace.
type Namespace struct {
	ID       uint32 // 1 and up
	Size     int64  // bytes, a multiple of 4096
	Sector   int    // bytes: 512 or 4096
	Detached bool   // it exists, and no host sees it
	ReadOnly bool   // write protected
	File     string // its store; empty: memory
}

type namespace struct {
	Namespace
	nguid, eui64, uuid []byte // nil: none
	lbaf               int
	store              store
	format             *job // nil: it is not being formatted
}

func newNamespace(c Config, n Namespace) (*namespace, error) {
	first := c.fill(n.ID)
	ns := &namespace{
		Namespace: n,
		nguid:     c.NGUID.of(16, c.NQN, n.ID, "nguid"),
		eui64:     c.EUI64.of(8, c.NQN, n.ID, "eui64"),
		uuid:      c.UUID.of(16, c.NQN, n.ID, "uuid"),
	}
	for ns.lbaf = range formats {
		if 1<<formats[ns.lbaf] == n.Sector {
			break
		}
	}
	var err error
	if n.File == "" {
		ns.store = newMemory(n.Size, first)
	} else if ns.store, err = newFile(n.File, n.Size, first); err != nil {
		return nil, fmt.Errorf("namespace %d: %w", n.ID, err)
	}
	return ns, nil
}

func (n *namespace) shift() uint    { return formats[n.lbaf] }
func (n *namespace) blocks() uint64 { return uint64(n.Size) >> n.shift() }

// wipe brings the first part of a namespace, 0 to 1, to a pattern.
func (n *namespace) wipe(p pattern, part float64) error {
	to := int64(part*float64(n.Size)) &^ 4095
	if part >= 1 {
		to = n.Size
	}
	return n.store.wipe(p, 0, to)
}

// derived makes an identifier of so many bytes that is the same whenever the same names are given.
func derived(bytes int, nqn string, id uint32, kind string) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(kind+"\x00"+nqn+"\x00"), id))
	return sum[:bytes]
}

// Medium reads what a namespace really holds, past all commands; length 0 is all from off on.
func (s *Subsystem) Medium(id uint32, off, length int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespace(id)
	if n == nil {
		return nil, fmt.Errorf("there is no namespace %d", id)
	}
	if length == 0 {
		length = n.Size - off
	}
	if off < 0 || length < 0 || off > n.Size-length {
		return nil, fmt.Errorf("%d bytes at %d are not on a medium of %d", length, off, n.Size)
	}
	data := make([]byte, length)
	_, err := n.store.ReadAt(data, off)
	return data, err
}
