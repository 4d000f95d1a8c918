package nvmetcp

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	c, err := Parse(`nvme name=d1 serial=N1 model="MODEL \"X\"" size=16M,1G ns=3 sector=512,4096 detached=3 read-only=1 sanitize=block,overwrite ` +
		`format=user took=3s est=unknown lie vanish=30 fail=always bad=2:5-9,77 other=erased`)
	if err != nil {
		t.Fatal(err)
	}
	want := []Namespace{
		{ID: 1, Size: 16 << 20, Sector: 512, ReadOnly: true}, {ID: 2, Size: 1 << 30, Sector: 4096}, {ID: 3, Size: 1 << 30, Sector: 4096, Detached: true},
	}
	if !reflect.DeepEqual(c.Namespaces, want) {
		t.Errorf("namespaces %+v, want %+v", c.Namespaces, want)
	}
	bad := []BadRange{{2, 5, 9, true, true}, {0, 77, 77, true, true}}
	switch {
	case c.Name != "d1" || c.Serial != "N1" || c.Model != `MODEL "X"`:
		t.Errorf("name %q, serial %q, model %q", c.Name, c.Serial, c.Model)
	case c.SaniCap != canBlock|canOverwrite || c.OACS != formatSupported || c.FNA != 0:
		t.Errorf("SANICAP %#x, OACS %#x, FNA %#x", c.SaniCap, c.OACS, c.FNA)
	case c.Took != 3*time.Second || c.TookBy != 3*time.Second || c.Estimates.Block != 0xFFFFFFFF:
		t.Errorf("takes %v, a Format %v, estimate %d", c.Took, c.TookBy, c.Estimates.Block)
	case c.SanitizeErases != 0 || c.FormatErases != 1 || c.Failures != -1 || c.Sanitize != SanitizeOtherRan:
		t.Errorf("erases %v, %v; failures %d; mode %q", c.SanitizeErases, c.FormatErases, c.Failures, c.Sanitize)
	case c.Cut != CutVanish || c.CutAt != 0.3 || !reflect.DeepEqual(c.Bad, bad):
		t.Errorf("cut %d at %v; bad %v", c.Cut, c.CutAt, c.Bad)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{
		"scsi", "nvme=1", "nvme nvme", "lie=1", "serial", "size=", "size=3", "size=4K,0", "size=-4K", "size=16E", "sector=520", "ns=0", "ns=2000",
		"nsid=1,1", "nsid=0", "nsid=4294967295", "serial=hex:abc", "serial=hex:zz", `model="open`, "sanitize=fast", "sanitize=", "format=all",
		"fna=16", "took=1", "took=-1s", "est=soon", "vanish=100", "fail=often", "refuse=0", "refuse=g", "forget=never", "other=2", "hang=1",
		"bad=", "bad=9-3", "bad=0:1", "nguid=00", "after=mud", "log81=0", "worn=256", "nqn=a,b", "nqn=", "short-log=0", "=1",
	} {
		if c, err := Parse(line); err == nil {
			t.Errorf("%q is taken: %+v", line, c)
		}
	}
}

func TestUsageNamesEveryKnob(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range knobs {
		if seen[k.name] || k.help == "" || !strings.Contains(Usage(), k.name+k.value) {
			t.Errorf("knob %q: twice, or without help", k.name)
		}
		seen[k.name] = true
	}
}

func TestFileStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	b := newBench(t, "size=64K ns=2 fill=OLD file="+path)
	b.write(2, 1, []byte(strings.Repeat("new content of a", 32)))
	if err := b.s.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(path)
	if err != nil || len(first) != 64<<10 || !strings.HasPrefix(string(first), "OLD") {
		t.Errorf("store of namespace 1: %d bytes, %v", len(first), err)
	}
	b = newBench(t, "size=64K ns=2 fill=OTHER file="+path)
	if got := string(b.read(2, 1, 1)); !strings.HasPrefix(got, "new content") {
		t.Errorf("namespace 2 has forgotten what was written: %q", got[:16])
	}
	b.sanitize(2)
	if got, err := os.ReadFile(path + ".2"); err != nil || strings.Trim(string(got), "\x00") != "" {
		t.Errorf("the store after a sanitize: %v", err)
	}
}

func TestConnectOptions(t *testing.T) {
	address := netip.MustParseAddrPort("127.0.0.1:4420")
	for _, test := range []struct {
		link Link
		want string
	}{
		{Link{}, ""},
		{Link{ControllerLoss: 20 * time.Second, ReconnectDelay: time.Second, Queues: 2}, ",ctrl_loss_tmo=20,reconnect_delay=1,nr_io_queues=2"},
		{Link{ControllerLoss: -1, FastFail: 5 * time.Second, KeepAlive: 9500 * time.Millisecond}, ",ctrl_loss_tmo=-1,fast_io_fail_tmo=5,keep_alive_tmo=9"},
	} {
		if got, want := options(address, "nqn.x", test.link), "transport=tcp,traddr=127.0.0.1,trsvcid=4420,nqn=nqn.x"+test.want; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for answer, want := range map[string]string{"instance=3,cntlid=1\n": "nvme3", "": "", "instance=,cntlid=1": "", "cntlid=1,instance=2": ""} {
		if c, err := parseInstance(answer); c.Name != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", answer, c.Name, err)
		}
	}
}
