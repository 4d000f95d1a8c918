package uevent

import (
	"strings"
	"testing"
)

func msg(fields ...string) []byte { return []byte(strings.Join(fields, "\x00") + "\x00") }

func TestParse(t *testing.T) {
	for _, test := range []struct {
		what    string
		message []byte
		want    Event
		ok      bool
	}{
		{"a disk", msg("add@/devices/virtual/block/loop3", "ACTION=add", "DEVPATH=/devices/virtual/block/loop3", "SUBSYSTEM=block", "MAJOR=7", "MINOR=3",
			"DEVNAME=loop3", "DEVTYPE=disk", "DISKSEQ=17", "SEQNUM=1234"),
			Event{Action: "add", DevPath: "/devices/virtual/block/loop3", Subsystem: "block", DevName: "loop3", DevType: "disk", DiskSeq: 17, Seqnum: 1234}, true},
		{"a device without a node", msg("add@/devices/pci0000:00/0000:00:1f.2", "ACTION=add", "DEVPATH=/devices/pci0000:00/0000:00:1f.2", "SUBSYSTEM=pci",
			"MODALIAS=pci:v00008086d00002922sv00001AF4", "SEQNUM=900"),
			Event{Action: "add", DevPath: "/devices/pci0000:00/0000:00:1f.2", Subsystem: "pci", Modalias: "pci:v00008086d00002922sv00001AF4", Seqnum: 900}, true},
		{"a node in a folder", msg("remove@/x", "ACTION=remove", "DEVPATH=/x", "DEVNAME=cciss/c0d0"),
			Event{Action: "remove", DevPath: "/x", DevName: "cciss/c0d0"}, true},
		{"a value with =", msg("add@/x", "ACTION=add", "DEVPATH=/x", "MODALIAS=a=b=c"), Event{Action: "add", DevPath: "/x", Modalias: "a=b=c"}, true},
		{"fields that are no fields", msg("add@/x", "ACTION=add", "junk", "", "DEVPATH=/x"), Event{Action: "add", DevPath: "/x"}, true},
		{"nothing", nil, Event{}, false},
		{"udevd", []byte("libudev\x00\xfe\xed\xca\xfe\x28\x00\x00\x00ACTION=add\x00DEVPATH=/x\x00"), Event{}, false},
		{"no end", []byte("add@/x"), Event{}, false},
		{"no path", msg("add@x", "ACTION=add", "DEVPATH=x"), Event{}, false},
		{"no action", msg("@/x", "ACTION=", "DEVPATH=/x"), Event{}, false},
		{"another action", msg("add@/x", "ACTION=remove", "DEVPATH=/x"), Event{}, false},
		{"another path", msg("add@/x", "ACTION=add", "DEVPATH=/y"), Event{}, false},
		{"a header alone", msg("add@/x"), Event{}, false},
		{"a number that is none", msg("add@/x", "ACTION=add", "DEVPATH=/x", "DISKSEQ=-1"), Event{}, false},
		{"a node elsewhere", msg("add@/x", "ACTION=add", "DEVPATH=/x", "DEVNAME=../etc/passwd"), Event{}, false},
		{"an absolute node", msg("add@/x", "ACTION=add", "DEVPATH=/x", "DEVNAME=/dev/sda"), Event{}, false},
		{"a node with an escape", msg("add@/x", "ACTION=add", "DEVPATH=/x", "DEVNAME=sd\x1b[2J"), Event{}, false},
	} {
		got, err := Parse(test.message)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("Parse of %s = %+v, %v; want %+v, ok %v", test.what, got, err, test.want, test.ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(msg("add@/devices/x", "ACTION=add", "DEVPATH=/devices/x", "SUBSYSTEM=block", "DEVNAME=sda", "DEVTYPE=disk", "DISKSEQ=3", "SEQNUM=4"))
	f.Add(msg("remove@/x", "ACTION=remove", "DEVPATH=/x", "DEVNAME=cciss/c0d0", "MODALIAS=a:b"))
	f.Add([]byte("libudev\x00\xfe\xed\xca\xfe"))
	f.Add([]byte("@\x00="))
	f.Fuzz(func(t *testing.T, message []byte) {
		e, err := Parse(message)
		switch {
		case err != nil && e != (Event{}):
			t.Errorf("Parse(%q) = %+v, %v; want nothing beside an error", message, e, err)
		case err == nil && (e.Lost || !isWord(e.Action) || !strings.HasPrefix(string(message), e.Action+"@/"+e.DevPath[1:]+"\x00")):
			t.Errorf("Parse(%q) = %+v; want what the header says", message, e)
		case strings.Contains("/"+e.DevName+"/", "/../") || strings.HasPrefix(e.DevName, "/"):
			t.Errorf("Parse(%q) = %+v; want a node below /dev", message, e)
		}
	})
}
