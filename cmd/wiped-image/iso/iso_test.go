package iso

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fake stands for the packages: it has every file, and notes which programs are called.
type fake struct {
	dir   string
	calls [][]string
	seen  func(program string, args []string)
}

func (f *fake) Find(path string) (string, error) {
	file := filepath.Join(f.dir, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, []byte(path), 0o644)
}

func (f *fake) Run(when time.Time, dir, program string, args ...string) (string, error) {
	f.calls = append(f.calls, append([]string{program}, args...))
	if f.seen != nil {
		f.seen(program, args)
	}
	for i, arg := range args {
		if arg == "-o" {
			return "", os.WriteFile(args[i+1], []byte(program), 0o644)
		}
	}
	return "", nil
}

func files(t *testing.T) Image {
	t.Helper()
	dir := t.TempDir()
	image := Image{Kernel: filepath.Join(dir, "k"), Initramfs: filepath.Join(dir, "i"), Args: "panic=30", When: time.Unix(0, 0)}
	for _, file := range []string{image.Kernel, image.Initramfs} {
		if err := os.WriteFile(file, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

func TestWriteLaysOutTheTree(t *testing.T) {
	tools := &fake{dir: t.TempDir()}
	tools.seen = func(program string, args []string) {
		if program == "xorriso" {
			checkTree(t, args[len(args)-1])
		}
	}
	out := filepath.Join(t.TempDir(), "wiped.iso")
	if err := Write(tools, files(t), out); err != nil {
		t.Fatal(err)
	}
	var programs []string
	for _, c := range tools.calls {
		programs = append(programs, c[0])
	}
	if want := []string{"grub-mkimage", "mformat", "mcopy", "xorriso"}; !slices.Equal(programs, want) {
		t.Errorf("called %v, want %v", programs, want)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(out), "*")); err != nil || !slices.Equal(left, []string{out}) {
		t.Errorf("left %v, want the ISO alone", left)
	}
}

func checkTree(t *testing.T, tree string) {
	for _, name := range []string{"boot/vmlinuz", "boot/initramfs.zst", "boot/grub/grub.cfg", "boot/grub/eltorito.img",
		"EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi", "EFI/debian/grub.cfg"} {
		info, err := os.Stat(filepath.Join(tree, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode() != 0o644 || !info.ModTime().Equal(earliest) {
			t.Errorf("%s has mode %v and time %v", name, info.Mode(), info.ModTime())
		}
	}
	if marks, _ := filepath.Glob(filepath.Join(tree, "boot/wiped-*")); len(marks) != 1 {
		t.Errorf("marks are %v, want one", marks)
	}
}

func TestMenuBootsByItselfOnBothConsoles(t *testing.T) {
	b := &builder{Image: Image{Args: "panic=30"}}
	menu := string(b.menu())
	first := "menuentry \"wiped\" {\n\tlinux /boot/vmlinuz panic=30 quiet console=ttyS0,115200n8 console=tty0\n\tinitrd /boot/initramfs.zst $config\n}\n"
	if !strings.Contains(menu, "set timeout=3\n") || !strings.Contains(menu, first) {
		t.Errorf("the menu is\n%s", menu)
	}
}

func TestMarkNamesWhatIsBooted(t *testing.T) {
	mark := func() string {
		b := &builder{Image: files(t), tree: t.TempDir()}
		if err := b.boot(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b.find()), "--file "+b.mark+"\n") {
			t.Errorf("%s does not look for %s", b.find(), b.mark)
		}
		return b.mark
	}
	if one, other := mark(), mark(); one == other { // the contents are the files' names, which differ
		t.Errorf("two images have one mark, %s", one)
	}
}
