package main

import "wiped/shell/privsep/sandbox"

// privileges are the capabilities that serve keeps of root's; docs/wiped.service names the same.
var privileges = []string{
	"cap_sys_rawio",        // commands to drives: SG_IO, ATA PASS-THROUGH
	"cap_sys_admin",        // commands to NVMe drives; to flush and read partition tables again
	"cap_dac_override",     // drives and image files that belong to somebody else
	"cap_sys_ptrace",       // who has a drive open: /proc/PID/fd of others
	"cap_net_bind_service", // port 22
	// What it takes to start the SSH process, and to end it.
	"cap_setuid", "cap_setgid", "cap_setpcap", "cap_sys_chroot", "cap_kill",
}

// dropPrivileges gives up the rest of them. On the appliance image the machine itself is ours, and nothing is given up.
func dropPrivileges() error { return sandbox.Keep(privileges...) }
