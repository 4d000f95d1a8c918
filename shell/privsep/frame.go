package privsep

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// A session's socket carries frames: one byte of kind, four of length, and so many bytes.
type kind byte

const (
	frameOpen      kind = iota + 1 // child: what the session is, as JSON; the first frame
	frameInput                     // child: bytes that the client sent
	frameInputEnd                  // child: the client ended its input; with one byte if it was lost instead
	frameSize                      // child: the terminal's new size, two numbers of 4 bytes
	frameInterrupt                 // child: the client interrupts
	frameGone                      // child: the client is gone, or killed the session
	frameOut                       // monitor: bytes of the standard output
	frameErr                       // monitor: bytes of the standard error
	frameRoom                      // monitor: so many more bytes of input may come, a number of 4 bytes
	frameExit                      // monitor: the exit code, one byte; the last frame
)

const (
	maxOpen  = 1 << 20 // bytes of the first frame: a packet of SSH has 256 KiB at most, and a command in it grows by a third
	maxData  = 32 << 10
	maxInput = 4 << 10 // bytes of a frame of the child's
	// window is how many bytes of input may be on the way or wait to be read. The child sends none before somebody reads, and then no
	// more than it is told that there is room for.
	window = 64 << 10
)

// frames reads and writes one end of a session's socket. Reading is for one goroutine, writing for any.
type frames struct {
	r  *bufio.Reader
	mu sync.Mutex
	w  io.Writer
}

func newFrames(rw io.ReadWriter) *frames {
	return &frames{r: bufio.NewReaderSize(rw, smallest), w: rw}
}

const header = 5

// smallest is the size of buffers that grow when more comes than they take: most sessions are people, who type.
const smallest = 512

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, header+maxData); return &b }}

// write sends one frame.
func (f *frames) write(k kind, data []byte) error {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf := append((*pooled)[:0], byte(k), 0, 0, 0, 0)
	binary.BigEndian.PutUint32(buf[1:], uint32(len(data)))
	buf = append(buf, data...)
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.w.Write(buf)
	return err
}

func (f *frames) writeNumbers(k kind, numbers ...uint32) error {
	var data []byte
	for _, n := range numbers {
		data = binary.BigEndian.AppendUint32(data, n)
	}
	return f.write(k, data)
}

// head reads the start of the next frame, which may have so many bytes at most.
func (f *frames) head(most int) (kind, int, error) {
	var head [header]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return 0, 0, err
	}
	k, n := kind(head[0]), binary.BigEndian.Uint32(head[1:])
	if uint64(n) > uint64(most) {
		return 0, 0, fmt.Errorf("a frame of kind %d has %d bytes, and %d is the most", k, n, most)
	}
	return k, int(n), nil
}

// read reads the next frame into a slice of its own.
func (f *frames) read(most int) (kind, []byte, error) {
	k, n, err := f.head(most)
	if err != nil {
		return 0, nil, err
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(f.r, data); err != nil {
		return 0, nil, err
	}
	return k, data, nil
}

func number(data []byte) (uint32, bool) {
	if len(data) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(data), true
}
