package boot

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestGlobMatch(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"pci:v00008086d00001533sv*sd*bc*sc*i*", "pci:v00008086d00001533sv00008086sd00000001bc02sc00i00", true},
		{"pci:v00008086d00001533sv*sd*bc*sc*i*", "pci:v00008086d00001539sv00008086sd00000001bc02sc00i00", false},
		{"usb:v*p*d*dc*dsc*dp*ic08isc06ip50in*", "usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00", true},
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"a*b*c", "axxbyybzzc", true},
		{"a*b*c", "axxbyybzz", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"[0-9a]x", "7x", true},
		{"[0-9a]x", "bx", false},
		{"[!0-9]x", "bx", true},
		{"[^b]x", "bx", false},
		{"[x", "[x", false},
		{"dmi:*/n*", "dmi:a/b/node", true},
		{strings.Repeat("a*", 30) + "b", strings.Repeat("a", 3000), false},
	}
	for _, test := range tests {
		if got := globMatch(test.pattern, test.name); got != test.want {
			t.Errorf("globMatch(%q, %q) = %v; want %v", test.pattern, test.name, got, test.want)
		}
	}
}

const depText = `kernel/a/usb-storage.ko: kernel/b/scsi_mod.ko kernel/c/usbcore.ko kernel/d/scsi_common.ko
kernel/b/scsi_mod.ko.xz: kernel/d/scsi_common.ko
kernel/c/usbcore.ko:
kernel/d/scsi_common.ko:
kernel/e/ext4.ko: kernel/e/jbd2.ko
kernel/e/jbd2.ko:
kernel/f/crc32c_generic.ko:
kernel/g/loop-a.ko: kernel/g/loop-b.ko
kernel/g/loop-b.ko: kernel/g/loop-a.ko
nonsense
`

func index(t *testing.T) *moduleIndex {
	t.Helper()
	x := newModuleIndex()
	for name, text := range map[string]string{
		"modules.dep":     depText,
		"modules.alias":   "# c\nalias usb:v*ic08isc06ip50in* usb_storage\nalias crypto-crc32c crc32c_generic\nalias fs-ext4 ext4\nalias *:x loop-a\nalias a b c d\nalias\n",
		"modules.softdep": "softdep ext4 pre: crypto-crc32c nothing post: usbcore\nsoftdep\n",
		"modules.builtin": "kernel/z/rtc-cmos.ko\n",
	} {
		if err := x.read(strings.NewReader(text), moduleFiles[name]); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func TestModuleOrder(t *testing.T) {
	tests := []struct{ name, want string }{
		{"usb_storage", "scsi_common scsi_mod usbcore usb_storage"},
		{"ext4", "crc32c_generic jbd2 ext4 usbcore"},
		{"loop_a", "loop_b loop_a"},
		{"nothing", ""},
	}
	x := index(t)
	for _, test := range tests {
		if got := strings.Join(x.order(test.name), " "); got != test.want {
			t.Errorf("order(%s) = %s; want %s", test.name, got, test.want)
		}
	}
}

func TestMatching(t *testing.T) {
	tests := []struct{ modalias, want string }{
		{"usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00", "usb_storage"},
		{"fs-ext4", "ext4"},
		{"usb-storage", "usb_storage"},
		{"pci:x", "loop_a"},
		{"pci:v1", ""},
	}
	x := index(t)
	for _, test := range tests {
		if got := strings.Join(x.matching(test.modalias), " "); got != test.want {
			t.Errorf("matching(%s) = %s; want %s", test.modalias, got, test.want)
		}
	}
}

// TestLoadOnce drives the loader with a kernel that refuses some modules.
func TestLoadOnce(t *testing.T) {
	var inserted, told []string
	refused := errors.New("bad signature")
	answers := map[string]error{"scsi_common": unix.EEXIST, "usbcore": refused, "jbd2": unix.ENODEV}
	m := testModules(index(t), func(file, params string) error {
		inserted = append(inserted, moduleName(file)+"("+params+")")
		return answers[moduleName(file)]
	})
	m.tell = func(name string, err error) {
		if err != nil {
			told = append(told, name)
		}
	}
	m.barred = map[string]bool{"loop_a": true}
	for range 2 {
		m.loadFor("usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00")
		m.loadFor("pci:x")
	}
	if want := []string{"scsi_common(async_probe)", "scsi_mod(async_probe delay=5)", "usbcore(async_probe)", "usb_storage(async_probe)"}; !slices.Equal(inserted, want) {
		t.Errorf("inserted %v; want %v", inserted, want)
	}
	if !slices.Equal(told, []string{"usbcore"}) {
		t.Errorf("told of %v; want usbcore alone", told)
	}
	if m.load("no-such") || !m.load("rtc-cmos") || !m.load("jbd2") {
		t.Error("load does not tell modules that are nowhere from those that are there")
	}
}

// TestAwait waits for all drivers by a module that is loaded without async_probe, and can do so again.
func TestAwait(t *testing.T) {
	x := newModuleIndex()
	if err := x.read(strings.NewReader("fs/"+idle+".ko:\n"), moduleFiles["modules.dep"]); err != nil {
		t.Fatal(err)
	}
	var did []string
	var answer error
	m := testModules(x, func(file, params string) error {
		did = append(did, "insert "+file+params)
		return answer
	})
	m.remove = func(name string) error { did = append(did, "remove "+name); return nil }
	m.await()
	answer = unix.EEXIST // somebody else's: it stays
	m.await()
	if want := []string{"insert /m/fs/nls_utf8.ko", "remove nls_utf8", "insert /m/fs/nls_utf8.ko"}; !slices.Equal(did, want) {
		t.Errorf("await did %q; want %q", did, want)
	}
	testModules(newModuleIndex(), nil).await() // no such module: nothing to wait with
}

func testModules(x *moduleIndex, insert func(file, params string) error) *modules {
	args, _ := splitArguments("scsi_mod.delay=5 scsi-mod wiped.key=x")
	m := newModules("/m", x, args)
	m.insert = insert
	return m
}

func FuzzModuleIndex(f *testing.F) {
	f.Add(depText, "alias a*b[c c", "softdep a pre: b post: c", "abc")
	f.Add(":a.ko: b.ko\nx/: y", "", "", "")
	f.Fuzz(func(t *testing.T, dep, alias, softdep, name string) {
		x := newModuleIndex()
		_ = x.read(strings.NewReader(dep), moduleFiles["modules.dep"])
		_ = x.read(strings.NewReader(alias), moduleFiles["modules.alias"])
		_ = x.read(strings.NewReader(softdep), moduleFiles["modules.softdep"])
		for _, module := range x.matching(name) {
			x.order(module)
		}
		for module := range x.path {
			if order := x.order(module); !slices.Contains(order, module) {
				t.Errorf("order(%q) = %q; want itself in it", module, order)
			}
		}
	})
}
