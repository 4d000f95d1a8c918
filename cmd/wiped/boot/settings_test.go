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
		{"protect", "", "missing"},
		{"parallel", "4", ""},
		{"parallel", "-1", "number"},
		{"drives", "sd*,nvme0n1", ""},
		{"state", "/dev/sda2", ""},
		{"config", "none", ""},
		{"config", "off", "none"},
		{"ip", "192.0.2.7/24", ""},
		{"ip", "192.0.2.7/24,192.0.2.1", ""},
		{"ip", "2001:db8::7/64,fe80::1", ""},
		{"ip", "192.0.2.7", "ADDRESS/PREFIX"},
		{"ip", "192.0.2.7/24,2001:db8::1", "gateway"},
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

func TestJoinKeys(t *testing.T) {
	sources := []given{{from: "stick\x1b", keys: "k2 b\n"}, {from: "initrd"}}
	s := Settings{keys: []string{"k1 a"}, keysURL: "http://h/k"}
	want := "# mine\nk0 z\n" + keysMark + "# from kernel arguments and wiped.conf\nk1 a\n# from stick\\x1b\nk2 b\n# from http://h/k\nk3 c\n"
	got := joinKeys("# mine\nk0 z", sources, s, "k3 c")
	if got != want {
		t.Errorf("joinKeys = %q; want %q", got, want)
	}
	if again := joinKeys(got, nil, Settings{}, ""); again != "# mine\nk0 z\n"+keysMark {
		t.Errorf("joinKeys at the next start = %q; want the keys given before gone", again)
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
