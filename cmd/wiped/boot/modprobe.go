package boot

import (
	"fmt"
	"os"
	"path/filepath"
)

// helper is where the kernel is told to find its modprobe: itself has no list of modules, and asks for character sets,
// checksums and network transceivers by name while it mounts and probes.
const helper = "/proc/sys/kernel/modprobe"

// IsModprobe tells whether the kernel called the program to have a module loaded.
func IsModprobe(args []string) bool {
	return len(args) == 4 && filepath.Base(args[0]) == "init" && args[1] == "-q" && args[2] == "--" && os.Getenv(mark) == "" && os.Getpid() != 1
}

// Modprobe loads the module that the kernel asked for and returns the exit code for it.
func Modprobe(args []string) int {
	line, _ := os.ReadFile("/proc/cmdline")
	arguments, _ := splitArguments(string(line))
	m, err := openModules(arguments, func(name string, err error) {
		if err != nil {
			toKernelLog(fmt.Sprintf("module %s was not loaded: %v", name, err))
		}
	})
	if err != nil {
		return 1
	}
	m.loadFor(args[3])
	return 0
}

// toKernelLog leaves a line where a console that is not ours to write to shows it.
func toKernelLog(line string) {
	if f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil {
		fmt.Fprintf(f, "<4>wiped: %s\n", printable(line))
		f.Close()
	}
}
