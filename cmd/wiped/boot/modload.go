package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// modules loads kernel modules, each once. Its methods may be called from any goroutine.
type modules struct {
	dir     string // /lib/modules/VERSION
	index   *moduleIndex
	params  func(module string) string
	barred  map[string]bool // modprobe.blacklist=: never by alias
	insert  func(file, params string) error
	remove  func(name string) error
	tell    func(name string, err error) // nil err: loaded
	mu      sync.Mutex
	once    map[string]*sync.Once
	aliases map[string]bool // modaliases that were looked up already
	busy    map[string]bool // being loaded now
}

func newModules(dir string, x *moduleIndex, args []argument) *modules {
	return &modules{dir: dir, index: x, insert: finitModule, remove: removeModule, tell: func(string, error) {}, once: map[string]*sync.Once{},
		aliases: map[string]bool{}, busy: map[string]bool{}, barred: barredModules(args), params: func(module string) string { return moduleParams(args, module) }}
}

// openModules reads the index of the running kernel's modules.
func openModules(args []argument, tell func(string, error)) (*modules, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return newModules("", newModuleIndex(), args), fmt.Errorf("ask for the kernel's version: %w", err)
	}
	m := newModules(filepath.Join("/lib/modules", unix.ByteSliceToString(name.Release[:])), newModuleIndex(), args)
	m.tell = tell
	for name, line := range moduleFiles {
		f, err := os.Open(filepath.Join(m.dir, name))
		if errors.Is(err, fs.ErrNotExist) && name != "modules.dep" {
			continue
		}
		if err != nil {
			return m, fmt.Errorf("read the list of modules: %w", err)
		}
		err = m.index.read(f, line)
		f.Close()
		if err != nil {
			return m, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return m, nil
}

// always loads the modules that the image names in modules.load.
func (m *modules) always() error {
	text, err := os.ReadFile(filepath.Join(m.dir, "modules.load"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read modules.load: %w", err)
	}
	var missing []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if name := strings.TrimSpace(line); name != "" && !m.load(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("modules.load names modules that are not in the image: %s", strings.Join(missing, " "))
	}
	return nil
}

// load loads a module with what it needs, and tells whether it is in the image or the kernel at all.
func (m *modules) load(name string) bool {
	name = moduleName(name)
	order := m.index.order(name)
	for _, each := range order {
		m.onceFor(each).Do(func() { m.insertOne(each) })
	}
	return len(order) > 0 || m.index.builtin[name]
}

func (m *modules) onceFor(name string) *sync.Once {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.once[name] == nil {
		m.once[name] = &sync.Once{}
	}
	return m.once[name]
}

// unwaited has the kernel return from loading a module before its devices are found. Else that waits for everything that
// any driver is at (Linux, kernel/module/main.c, do_init_module), and one drive that does not answer holds up all modules.
const unwaited = "async_probe"

// insertOne reports only what somebody could do something about: that there is no such device is how drivers of a
// whole family answer.
func (m *modules) insertOne(name string) {
	m.begin(name)
	defer m.end(name)
	err := m.insert(filepath.Join(m.dir, m.index.path[name]), strings.TrimSpace(unwaited+" "+m.params(name)))
	if errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENODEV) {
		return
	}
	m.tell(name, err)
}

func (m *modules) begin(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy[name] = true
}

func (m *modules) end(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.busy, name)
}

// loading are the modules that are being loaded now.
func (m *modules) loading() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.busy))
}

// idle is a module that does nothing and that nobody needs.
const idle = "nls_utf8"

// await returns when all drivers that were loaded so far have found their devices, which is never for a drive that never
// answers: this is what a module waits for that is loaded without async_probe.
func (m *modules) await() {
	file, ok := m.index.path[idle]
	if ok && m.insert(filepath.Join(m.dir, file), "") == nil {
		_ = m.remove(idle) // so that it can be loaded again
	}
}

// loadFor loads what drives the device with this modalias; it looks at each modalias once.
func (m *modules) loadFor(modalias string) {
	m.mu.Lock()
	known := m.aliases[modalias]
	m.aliases[modalias] = true
	m.mu.Unlock()
	if known || modalias == "" {
		return
	}
	for _, name := range m.index.matching(modalias) {
		if !m.barred[name] {
			m.load(name)
		}
	}
}

// finitModule gives the file to the kernel as it is, signature and all; a compressed one the kernel unpacks.
func finitModule(file, params string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(file, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	return unix.FinitModule(int(f.Fd()), params, flags)
}

func removeModule(name string) error { return unix.DeleteModule(name, unix.O_NONBLOCK) }

// coldplug loads what drives the devices that are there already. A slow driver holds up only what waits for it.
func (m *modules) coldplug(root string) {
	names := make(chan string)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for modalias := range names {
				m.loadFor(modalias)
			}
		})
	}
	for _, modalias := range modaliases(root) {
		names <- modalias
	}
	close(names)
	workers.Wait()
}

// modaliases returns the modalias of everything under root. Devices come and go meanwhile, so errors say nothing.
func modaliases(root string) (found []string) {
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "modalias" {
			if text, err := os.ReadFile(path); err == nil {
				found = append(found, strings.TrimSpace(string(text)))
			}
		}
		return nil
	})
	return found
}
