package scsi

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// FuzzParsers feeds every parser with the same bytes: none panics, and what it returns could be of a drive.
func FuzzParsers(f *testing.F) {
	d := sasDisk()
	f.Add(d.inquiry)
	f.Add(d.cap16)
	f.Add(d.modes)
	for _, page := range d.pages {
		f.Add(page)
	}
	f.Add([]byte{0, 3, 0, 10, 0x48, 0xe2, 0, 0, 0, 0, 0, 0xff, 0xff, 0})
	f.Add([]byte{3, 8, 0, 20, 'n', 'a', 'a', '.', '5', '0', '0', '1', '0', '2', '0', '3', '0', '4', '0', '5', '0', '6', '0', '7'})
	f.Fuzz(func(t *testing.T, b []byte) {
		i := parseInquiry(b)
		printable(t, reflect.ValueOf(i.vendor+i.product+i.revision))
		for code := range 256 {
			if page := parsePage(b, byte(code)); len(page)+4 > len(b) && page != nil {
				t.Errorf("a page of %d bytes out of %d", len(page), len(b))
			}
		}
		parsePages(b)
		if s := parseSerial(b); strings.HasPrefix(s, "~") {
			t.Errorf("serial %q", s)
		}
		if name := worldWide(b); name != "" && (strings.Trim(strings.TrimPrefix(strings.TrimPrefix(name, "0x"), "eui."),
			"0123456789abcdefABCDEF") != "" || len(name) < 18) {
			t.Errorf("world-wide name %q", name)
		}
		for _, p := range pages {
			for _, s := range p.read(b) {
				printable(t, reflect.ValueOf(s.name+s.value))
			}
		}
		for _, parse := range []func([]byte) (capacity, error){parseCapacity10, parseCapacity16} {
			if c, err := parse(b); err == nil && (c.sector <= 0 || c.sector > largestSector || int64(c.blocks) <= 0 || int64(c.blocks)*int64(c.sector) <= 0) {
				t.Errorf("capacity %+v", c)
			} else if err != nil && c != (capacity{}) {
				t.Errorf("capacity %+v with %v", c, err)
			}
		}
		if m := parseModes(b); m.sector < 0 || m.sector > largestSector {
			t.Errorf("modes %+v", m)
		}
		for _, o := range orders {
			if support, _ := parseSupport(b, o); support == asStandard && (len(b) < 4+o.length || b[4] != o.opcode) {
				t.Errorf("support %d by % x", support, b)
			}
		}
		s := sg.ParseSense(b)
		c := condition{state: classify(s), sense: s}
		if c.state == ready || c.done() >= 1 {
			t.Errorf("condition %+v by sense data alone", c)
		}
		printable(t, reflect.ValueOf(c.busy()+c.String()))
	})
}

// noise is a drive that answers from a stream of bytes.
type noise struct {
	b        []byte
	commands []sg.Command
	good     bool // the last TEST UNIT READY
	last     sg.Sense
}

func (n *noise) take() byte {
	if len(n.b) == 0 {
		return 0xff
	}
	b := n.b[0]
	n.b = n.b[1:]
	return b
}

func (n *noise) Do(c sg.Command) (sg.Result, error) {
	n.commands = append(n.commands, c)
	what := n.take()
	got := min(int(n.take()), len(n.b))
	data := n.b[:got]
	n.b = n.b[got:]
	var r sg.Result
	switch what % 4 {
	case 0:
		r = sg.Result{Got: copy(c.In, data)}
	case 1:
		r = sg.Result{Status: sg.CheckCondition, Sense: sg.ParseSense(data)}
	case 2:
		r = sg.Result{Status: n.take(), Got: int(what) - 60}
	case 3:
		return sg.Result{}, errLost
	}
	switch c.CDB[0] {
	case 0x00:
		n.good = r.OK()
	case 0x03:
		n.last = sg.ParseSense(c.In[:min(max(r.Got, 0), len(c.In))])
	}
	return r, nil
}

// FuzzDrive asks, watches and orders a drive that answers at random: it is never ready by anything but TEST UNIT READY after
// an empty REQUEST SENSE, questions change nothing, and an order is sent at most once.
func FuzzDrive(f *testing.F) {
	f.Add([]byte{0, 36, 0, 0, 6, 2, 31})
	f.Add([]byte{0, 18, 0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 4, 0x1b, 0, 0x80, 0x80, 0})
	f.Add([]byte{0, 18, 0x70, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 8, 0x72, 6, 0x29, 0, 0, 0, 0, 0, 1, 8, 0x72, 3, 0x31, 3, 0, 0, 0, 0})
	f.Add([]byte{1, 0, 1, 0, 2, 0, 8, 2, 0, 0x18})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := &noise{b: b}
		a, err := ask(n, drive.Node{Info: drive.Info{Size: 1 << 20}})
		printable(t, reflect.ValueOf(a))
		if err == nil && a.Problem == "" && len(a.Abilities) != len(orders) {
			t.Errorf("abilities %+v", a.Abilities)
		}
		if len(n.commands) > 20*attentions {
			t.Errorf("%d commands", len(n.commands))
		}
		for _, c := range n.commands {
			switch c.CDB[0] {
			case 0x00, 0x03, 0x12, 0x25, 0x5a, 0x9e, 0xa3:
			default:
				t.Errorf("Ask sent % x", c.CDB)
			}
		}
		for _, o := range orders {
			n := &noise{b: b}
			s, err := (&firmware{unit{n}, drive.Node{}}).Status(o.action)
			printable(t, reflect.ValueOf(s))
			if s.Named || s.Done > 1 || err != nil && s != (drive.Status{}) {
				t.Errorf("Status = %+v, %v", s, err)
			}
			if s.Phase == drive.Succeeded && (!n.good || !n.last.Present || n.last.Key > sg.Recovered || n.last.ASC == 0x31) {
				t.Errorf("Status = %+v after %+v, ready: %v", s, n.last, n.good)
			}
			n = &noise{b: b}
			err = (&firmware{unit{n}, drive.Node{}}).Erase(o.action)
			var refused *drive.RefusedError
			if sent := count(n, o.opcode); sent > 1 || sent == 0 && !errors.As(err, &refused) {
				t.Errorf("Erase(%s) = %v, sent %d times", o.action, err, sent)
			}
			if refused != nil {
				printable(t, reflect.ValueOf(*refused))
			}
		}
		n = &noise{b: b}
		if err := (&firmware{unit{n}, drive.Node{}}).Format(512); count(n, 0x04) > 1 || count(n, 0x48) > 0 || err == nil && count(n, 0x04) != 1 {
			t.Errorf("Format = %v, sent %x", err, n.commands)
		}
	})
}

func count(n *noise, op byte) (sent int) {
	for _, c := range n.commands {
		if c.CDB[0] == op {
			sent++
		}
	}
	return sent
}
