package bench

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"wiped/cmd/drivesim/store"
)

// Address is where the control is if nothing else is said: an abstract socket, which no mount can hide.
const Address = "@drivesim"

// network takes an address apart: "tcp:HOST:PORT", "unix:PATH" or "@NAME".
func network(address string) (network, at string) {
	if rest, ok := strings.CutPrefix(address, "tcp:"); ok {
		return "tcp", rest
	}
	return "unix", strings.TrimPrefix(address, "unix:")
}

// order is one thing that the control can be told.
type order struct {
	args  string // after the drive
	about string
	run   func(d *Drive, args []string) (answer string, data []byte, err error)
}

// Orders is every order that names a drive.
var orders = map[string]order{
	"dev":         {"", "the kernel's name of it", func(d *Drive, _ []string) (string, []byte, error) { return d.unit.Node(), nil, nil }},
	"state":       {"", "what the drive is doing", func(d *Drive, _ []string) (string, []byte, error) { return d.firmware.State(), nil, nil }},
	"power-cycle": {"", "off and on, where it is", powerCycle},
	"unplug":      {"", "the kernel loses it", func(d *Drive, _ []string) (string, []byte, error) { return "", nil, d.unit.Unplug() }},
	"vanish":      {"", "as unplug", func(d *Drive, _ []string) (string, []byte, error) { return "", nil, d.unit.Unplug() }},
	"plug":        {"", "it comes back, as after a power cycle", plugAgain},
	"rescan":      {"", "the kernel looks at its size again", func(d *Drive, _ []string) (string, []byte, error) { return "", nil, d.unit.Rescan() }},
	"slow":        {"BYTES", "so many bytes a second from now on; 0: as fast as it goes", slow},
	"thaw":        {"", "no longer frozen", func(d *Drive, _ []string) (string, []byte, error) { d.firmware.Thaw(); return "", nil, nil }},
	"swap":        {"SERIAL", "another drive is in its place, of which the kernel hears nothing, as in some docks", swap},
	"sha256":      {"", "of the whole medium, hidden areas too", sum},
	"read":        {"OFFSET LENGTH", "bytes of the medium, past the drive", read},
}

func powerCycle(d *Drive, _ []string) (string, []byte, error) {
	d.unit.PowerCycle()
	if d.Spec.Kind == "ata" { // as libata, which identifies a drive again that comes back
		return "", nil, d.unit.Rescan()
	}
	return "", nil, nil
}

func plugAgain(d *Drive, _ []string) (string, []byte, error) {
	d.firmware.PowerCycle()
	return "", nil, d.plug()
}

func slow(d *Drive, args []string) (string, []byte, error) {
	if len(args) != 1 {
		return "", nil, fmt.Errorf("slow wants BYTES")
	}
	rate, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || rate < 0 {
		return "", nil, fmt.Errorf("%q is no number of bytes", args[0])
	}
	d.slow.SetRate(rate)
	return "", nil, nil
}

func swap(d *Drive, args []string) (string, []byte, error) {
	if len(args) != 1 {
		return "", nil, fmt.Errorf("swap wants SERIAL")
	}
	d.firmware.Swap([]byte(args[0]))
	return "", nil, nil
}

func sum(d *Drive, _ []string) (answer string, _ []byte, _ error) {
	d.firmware.Look(func(s *store.Store) { answer = s.SHA256() })
	return answer, nil, nil
}

func read(d *Drive, args []string) (string, []byte, error) {
	if len(args) != 2 {
		return "", nil, fmt.Errorf("read wants OFFSET LENGTH")
	}
	offset, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return "", nil, err
	}
	length, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return "", nil, err
	}
	var data []byte
	d.firmware.Look(func(s *store.Store) {
		if length == 0 || length > s.Size()-offset {
			length = s.Size() - offset
		}
		if offset >= 0 && length >= 0 {
			data = make([]byte, length)
			_, err = s.ReadAt(data, offset)
		}
	})
	return strconv.Itoa(len(data)), data, err
}

// Listen serves the control at an address until the listener is closed.
func (b *Bench) Listen(address string) (net.Listener, error) {
	l, err := net.Listen(network(address))
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c)
		}
	}()
	return l, nil
}

// serve answers orders, one a line: "ok ANSWER" or "error WHY". The data of read follows its line.
func (b *Bench) serve(c net.Conn) {
	defer c.Close()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		answer, data, err := b.obey(strings.Fields(lines.Text()))
		if err != nil {
			fmt.Fprintf(c, "error %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		fmt.Fprintf(c, "ok %s\n", answer)
		if _, err := c.Write(data); err != nil {
			return
		}
	}
}

func (b *Bench) obey(words []string) (string, []byte, error) {
	if len(words) == 1 && words[0] == "list" {
		var names []string
		for _, d := range b.Drives {
			names = append(names, d.Spec.Name+"="+d.unit.Node())
		}
		return strings.Join(names, " "), nil, nil
	}
	if len(words) < 2 {
		return "", nil, fmt.Errorf("an order is list, or a drive and one of %s", strings.Join(Orders(), ", "))
	}
	if b.Others != nil {
		if answer, data, known, err := b.Others(words); known {
			return answer, data, err
		}
	}
	d, err := b.find(words[0])
	if err != nil {
		return "", nil, err
	}
	o, ok := orders[words[1]]
	if !ok {
		return "", nil, fmt.Errorf("there is no order %q", words[1])
	}
	return o.run(d, words[2:])
}

// Ask gives an order to the bench that listens at an address, and returns the answer; for read, the bytes.
func Ask(address string, words ...string) (string, []byte, error) {
	kind, at := network(address)
	c, err := net.DialTimeout(kind, at, 10*time.Second)
	if err != nil {
		return "", nil, fmt.Errorf("control: %w", err)
	}
	defer c.Close()
	if _, err := fmt.Fprintln(c, strings.Join(words, " ")); err != nil {
		return "", nil, fmt.Errorf("control: %w", err)
	}
	return answered(bufio.NewReader(c), len(words) > 1 && words[1] == "read")
}
