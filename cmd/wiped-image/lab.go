package main

import (
	_ "embed"
	"path"
	"path/filepath"
	"strings"

	"wiped/cmd/wiped-image/archive"
	"wiped/cmd/wiped-image/debian"
	"wiped/cmd/wiped-image/kmod"
)

// What tests lay over the image: kernel modules that make drives out of programs, and the programs of others that talk to
// drives. Nothing of it goes into the image.

//go:embed lab.list
var labList string

//go:embed faults.list
var faultsList string

// labTools are programs of others, by the package they come from.
var labTools = map[string][]string{
	"busybox-static": {"bin/busybox"},
	"nvme-cli":       {"usr/sbin/nvme"},
	"hdparm":         {"sbin/hdparm"},
	"dmsetup":        {"sbin/dmsetup"},
	"sg3-utils": {"usr/bin/sg_inq", "usr/bin/sg_vpd", "usr/bin/sg_readcap", "usr/bin/sg_opcodes", "usr/bin/sg_sanitize", "usr/bin/sg_format", "usr/bin/sg_requests", "usr/bin/sg_turs", "usr/bin/sg_raw", "usr/bin/sg_modes", "usr/bin/sg_logs", "usr/bin/sg_dd", "usr/bin/sg_reset",
		"usr/bin/sg_verify", "usr/bin/sg_sat_identify", "usr/bin/sg_decode_sense"},
}

// labApplets are the names under which busybox is called.
var labApplets = []string{"sh", "basename", "blkdiscard", "cat", "cmp", "cut", "dd", "echo", "grep", "head", "ifconfig", "ls", "od", "printf", "sed", "sleep", "sync", "tee", "test", "tr", "wc"}

// labParams are what modules are loaded with: null_blk would make a drive of its own accord.
// So would scsi_debug; its drives are of 4 MiB, each with bytes of its own.
var labParams = map[string]string{"null_blk": "nr_devices=0", "scsi_debug": "add_host=0 per_host_store=1 dev_size_mb=4 delay=2 lbprz=0"}

// labFolder is where the simulator of drives looks for its modules, and for the list of their files in the order of loading.
// The modules of faults.list are there too; who wants them loads them.
const labFolder = "usr/lib/drivesim"

// writeLab writes lab.zst, a second initramfs for tests.
func (b *build) writeLab() error {
	if !b.lab {
		return nil
	}
	tree := archive.Tree{}
	if err := b.labModules(tree); err != nil {
		return err
	}
	if err := b.labPrograms(tree); err != nil {
		return err
	}
	data, err := tree.Pack(b.when)
	if err != nil {
		return err
	}
	return replace(b.at("lab.zst"), data, 0o644)
}

func (b *build) labModules(tree archive.Tree) error {
	dir, err := b.packages.Find(path.Join(modulesDir, b.version))
	if err != nil {
		return err
	}
	index, err := kmod.Read(dir)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"modules.list": labList, "faults.list": faultsList} {
		if err := labModulesOf(tree, dir, index, name, text); err != nil {
			return err
		}
	}
	return nil
}

// labModulesOf adds the modules of one list, and the list of their files in the order of loading.
func labModulesOf(tree archive.Tree, dir string, index *kmod.Index, name, text string) error {
	list, err := kmod.ParseList(text)
	if err != nil {
		return err
	}
	selected, err := index.Select(list)
	if err != nil {
		return err
	}
	var names []string
	for _, m := range selected.Order() {
		file := path.Base(m.Path)
		names = append(names, strings.TrimSpace(file+" "+labParams[m.Name]))
		tree.File(path.Join(labFolder, file), 0o644, filepath.Join(dir, m.Path))
	}
	tree.Bytes(path.Join(labFolder, name), 0o644, []byte(strings.Join(append(names, ""), "\n")))
	return nil
}

func (b *build) labPrograms(tree archive.Tree) error {
	var names, programs []string
	for name, files := range labTools {
		names, programs = append(names, name), append(programs, files...)
	}
	list, err := debian.Resolve(names)
	if err != nil {
		return err
	}
	if err := debian.Fetch(b.cache, list); err != nil {
		return err
	}
	root, err := debian.Unpack(b.cache, list)
	if err != nil {
		return err
	}
	for _, program := range programs {
		files, err := root.Program(program)
		if err != nil {
			return err
		}
		for to, from := range files {
			tree.File(to, 0o755, from)
		}
	}
	for _, name := range labApplets {
		tree.Link(path.Join("usr/bin", name), "/bin/busybox")
	}
	return nil
}
