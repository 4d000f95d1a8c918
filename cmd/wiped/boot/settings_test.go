package boot

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestSplitArguments(t *testing.T) {
	tests := []struct {
		line, want string
		wrong      bool
	}{
		{line: "", want: ""},
		{line: "quiet console=ttyS0,115200\n", want: "quiet|;console|ttyS0,115200;"},
		{line: `wiped.key="role=\"admin\" ssh-ed25519 AAAA me" x`, want: `wiped.key|role="admin" ssh-ed25519 AAAA me;x|;`},
		{line: `"wiped.key=ssh-ed25519 AAAA me"`, want: "wiped.key|ssh-ed25519 AAAA me;"},
		{line: `"wiped.key=role=\"admin\" ssh-ed25519 AAAA bob\'s"`, want: `wiped.key|role="admin" ssh-ed25519 AAAA bob's;`},
		{line: `a=b\c d=\\e f=`, want: `a|b\c;d|\e;f|;`},
		{line: `a="b c`, want: "a|b c;", wrong: true},
		{line: `a=""`, want: "a|;"},
		{line: `a\`, want: `a\|;`},
	}
	for _, test := range tests {
		args, err := splitArguments(test.line)
		got := ""
		for _, a := range args {
			got += a.name + "|" + a.value + ";"
		}
		if got != test.want || (err != nil) != test.wrong {
			t.Errorf("splitArguments(%q) = %s, %v; want %s, an error: %v", test.line, got, err, test.want, test.wrong)
		}
	}
}

func TestModuleParams(t *testing.T) {
	args, _ := splitArguments(`libata.allow_tpm=1 libata.force="1.5 x" mpt3sas.y sd-mod.z=3 modprobe.blacklist=pc-spkr,a`)
	for module, want := range map[string]string{"libata": `allow_tpm=1 force="1.5 x"`, "mpt3sas": "y", "sd_mod": "z=3", "nvme": ""} {
		if got := moduleParams(args, module); got != want {
			t.Errorf("moduleParams(%s) = %s; want %s", module, got, want)
		}
	}
	if got := fmt.Sprint(barredModules(args)); got != "map[a:true pc_spkr:true]" {
		t.Errorf("barredModules = %s", got)
	}
}

const testSum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestSet(t *testing.T) {
	tests := []struct{ name, value, wrong string }{
		{"key", "ssh-ed25519 AAAA me", ""},
		{"key", "ssh-ed25519", "double quotes"},
		{"keys_url", "https://boot.example/keys", ""},
		{"keys_url", "ftp://boot.example/keys", "http"},
		{"keys_sha256", testSum, ""},
		{"keys_sha256", testSum[1:], "sha256sum"},
		{"hostname", "wipe-07.example", ""},
		{"hostname", "a b", "host name"},
		{"hostname", "", "host name"},
		{"protect", "WD*", ""},
		{"protect", "", "no name"},
		{"protect", "[", "no name"},
		{"protect", "WD[0-9]*", ""},
		{"protect", " ", "no name"},
		{"parallel", "4", ""},
		{"parallel", "-1", "number"},
		{"drives", "sd*,nvme0n1", ""},
		{"drives", "[", "globs"},
		{"drives", "sd*,", "globs"},
		{"drives", "", "globs"},
		{"state", "/dev/sda2", ""},
		{"config", "none", ""},
		{"config", "off", "none"},
		{"ip", "192.0.2.7/24", ""},
		{"ip", "192.0.2.7/24,192.0.2.1", ""},
		{"ip", "2001:db8::7/64,fe80::1", ""},
		{"ip", "192.0.2.7", "ADDRESS/PREFIX"},
		{"ip", "192.0.2.7/24,2001:db8::1", "gateway"},
		{"ip", "192.0.2.7/24,192.0.2.1,eth1", ""},
		{"ip", "192.0.2.7/24,52:54:00:12:34:56", ""},
		{"ip", "192.0.2.7/24,eth0,eth1", "eth1 is neither"},
		{"ip", "192.0.2.7/24,192.0.2.1,192.0.2.2", "192.0.2.2 is neither"},
		{"ip", "192.0.2.7/24,Eth0", "Eth0 is neither"},
		{"dns", "192.0.2.1,2001:db8::1", ""},
		{"dns", "example", "IP"},
		{"ntp", "time.example", ""},
		{"protcet", "x", "protect"},
	}
	for _, test := range tests {
		var s Settings
		err := s.set(test.name, test.value)
		if (err == nil) != (test.wrong == "") || (err != nil && !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("set(%s, %q) = %v; want %q in it", test.name, test.value, err, test.wrong)
		}
		if err != nil && (s.Hostname != "" || len(s.keys) > 0 || len(s.Protect) > 0 || s.address.IsValid() || s.keysSum != "") {
			t.Errorf("set(%s, %q) kept a value that it refused: %+v", test.name, test.value, s)
		}
	}
}

func TestMerge(t *testing.T) {
	args, _ := splitArguments(`quiet wiped.hostname=line wiped.protect=a wiped.keys_url=http://h/k wiped.bad=1 other.bad=1`)
	s, wrong := merge([]given{{from: "stick", settings: "\n# c\n hostname = stick \nprotect=\"b c\"\nwiped.parallel=2\nkey=\"role=\\\"admin\\\" ssh-ed25519 A\"\nx\n"}}, args)
	if s.Hostname != "line" || fmt.Sprint(s.Protect) != "[b c a]" || s.Parallel != 2 || s.keys[0] != `role="admin" ssh-ed25519 A` {
		t.Errorf("merge = %+v", s)
	}
	if text := errors.Join(wrong...).Error(); len(wrong) != 3 || !strings.Contains(text, "stick, line 7") || !strings.Contains(text, "wiped.bad=1") || !strings.Contains(text, "keys_sha256") {
		t.Errorf("merge complains: %s; want line 7, wiped.bad and keys_sha256", text)
	}
	if s.keysURL != "" {
		t.Errorf("keys_url without a hash is kept: %s", s.keysURL)
	}
}

// TestJoinKeys names where each key comes from, and keeps none that was only given at an earlier boot: older versions wrote
// those behind a mark, which an editor may have given Windows line ends.
func TestJoinKeys(t *testing.T) {
	args, _ := splitArguments(`wiped.key="k1 a" wiped.key="k1 b"`)
	sources := []given{{from: "stick\x1b", keys: "k2 b\n", settings: "key=k2 c\n"}, {from: "initrd", keys: "# none\n\n"}}
	want := "# from the state partition\n# mine\nk0 z\n# from the kernel's arguments\nk1 a\nk1 b\n# from stick\\x1b\nk2 c\nk2 b\n# from http://h/k\nk3 c\n"
	for _, own := range []string{"# mine\nk0 z", "# mine\r\nk0 z\r\n" + keysMark + "\r\n# from stick\r\nold key\r\n", "\xef\xbb\xbf# mine\nk0 z\n  " + keysMark + " \nold key\n"} {
		if got := joinKeys(keyParts(plainText([]byte(own)), sources, args, "http://h/k", "k3 c")); got != want {
			t.Errorf("%q: joinKeys = %q; want %q", own, got, want)
		}
	}
	if parts := keyParts("# nothing\n", nil, nil, "", ""); len(parts) != 0 {
		t.Errorf("keyParts of nothing = %v", parts)
	}
}

// TestDoubt lets a partition with our label add nobody where somebody nearer to the machine has said who may log in; what it
// wants protected counts all the same.
func TestDoubt(t *testing.T) {
	evil := given{from: "drive", partition: true, keys: "k evil\n", settings: "key=k evil2\nkeys_url=http://evil/k\nkeys_sha256=" + testSum + "\nstate=EVIL\nprotect=WD*\nhostname=x\n",
		hostKeys: map[string]string{"certificate_ed25519_key": "pem"}}
	for _, test := range []struct {
		name, line string
		initrd     given
		alone      bool // the partition is the only one to say who may log in
	}{
		{name: "nobody else", alone: true}, {name: "comments alone", initrd: given{keys: "# x\n"}, alone: true}, {name: "settings alone", line: "wiped.hostname=a", alone: true},
		{name: "kernel argument", line: `wiped.key="k me"`}, {name: "address", line: "wiped.keys_url=http://h/k wiped.keys_sha256=" + testSum},
		{name: "initrd", initrd: given{keys: "k me\n"}}, {name: "initrd's settings", initrd: given{settings: "key=k me\n"}},
	} {
		args, _ := splitArguments(test.line)
		before := []given{evil, test.initrd}
		sources := doubt(before, args)
		s, wrong := merge(sources, args)
		text := joinKeys(keyParts("", sources, args, s.keysURL, ""))
		if len(wrong) != 0 || len(s.Protect) != 1 {
			t.Errorf("%s: %+v, %v", test.name, s, wrong)
		}
		if got := strings.Contains(text, "evil"); got != test.alone {
			t.Errorf("%s: its keys count: %v: %s", test.name, got, text)
		}
		if got := s.state == "EVIL" && s.keysURL == "http://evil/k" && sources[0].hostKeys != nil; got != test.alone || (!test.alone && (s.state != "" || strings.Contains(s.keysURL, "evil") || sources[0].hostKeys != nil)) {
			t.Errorf("%s: state %q, keys_url %q, host keys %v", test.name, s.state, s.keysURL, sources[0].hostKeys)
		}
		if (refusedKeys(before, sources) == nil) != test.alone {
			t.Errorf("%s: refusedKeys = %v", test.name, refusedKeys(before, sources))
		}
	}
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a\n", "a\r\nb\r\n": "a\nb\n", "\xef\xbb\xbfa\rb": "a\nb\n",
		"\xff\xfea\x00\r\x00\n\x00": "a\n", "\xfe\xff\x00a\x00": "a\n",
	} {
		if got := plainText([]byte(in)); got != want {
			t.Errorf("plainText(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{"a b\\x": `a b\x`, "\x1b[2J": `\x1b[2J`, "\xff": `\xff`, "\x05": `\x05`, "é\u202e": `\u00e9\u202e`, "\n": `\n`} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %s; want %s", in, got, want)
		}
	}
}

func FuzzArguments(f *testing.F) {
	f.Add(`a="b \"c" wiped.key="x y" wiped.ip=1.2.3.4/5`)
	f.Fuzz(func(t *testing.T, line string) {
		args, _ := splitArguments(line)
		var s Settings
		s.setArguments(args)
		harmless(t, moduleParams(args, "a"))
	})
}

func FuzzConf(f *testing.F) {
	f.Add("hostname=a\r\nprotect=\"b\"\nkey=ssh-ed25519 A")
	f.Fuzz(func(t *testing.T, text string) {
		var s Settings
		wrong := s.setFile(plainText([]byte(text)))
		harmless(t, oneLine(errors.Join(wrong...)))
		for _, key := range s.keys {
			if strings.Contains(key, "\n") {
				t.Errorf("a key of two lines: %q", key)
			}
		}
		if s.Hostname != "" && checkHostname(s.Hostname) != nil {
			t.Errorf("kept the host name %q", s.Hostname)
		}
		if s.address != (netip.Prefix{}) && !s.address.IsValid() {
			t.Errorf("kept the address %v", s.address)
		}
	})
}

// harmless checks that a text has no control characters once it is on the console.
func harmless(t *testing.T, text string) {
	t.Helper()
	for _, r := range printable(text) {
		if r < ' ' || r > '~' {
			t.Errorf("printable(%q) holds %q", text, r)
		}
	}
}
