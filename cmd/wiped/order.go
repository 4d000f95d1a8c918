package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"

	"wiped/engine/drive"
	"wiped/engine/drive/apart"
	"wiped/engine/drive/ata"
	"wiped/engine/drive/mmc"
	"wiped/engine/drive/nvme"
	"wiped/engine/drive/scsi"
	"wiped/engine/journal"
	"wiped/shell/privsep/sandbox"
)

// commandSets are the languages in which drives are asked; the first that speaks to a drive is taken.
var commandSets = []drive.CommandSet{nvme.Set{}, mmc.Set{}, ata.Set{}, scsi.Set{}}

// startOrder is this program as the process that sends a drive one command.
func startOrder(words ...string) *exec.Cmd {
	return &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{os.Args[0], "order"}, words...)}
}

// orderName is what that process calls itself in the list of processes: engine/drive/internal/inuse knows it.
const orderName = "wiped-order"

// sendOrder is that process: it has one drive, its command, and what it takes to send it.
func sendOrder(_ []string, out, errOut io.Writer) int {
	_ = os.WriteFile("/proc/self/comm", []byte(orderName), 0) // for those who look
	if err := sandbox.Keep("cap_sys_rawio", "cap_sys_admin"); err != nil {
		fmt.Fprintf(errOut, "more privileges than needed are kept: %s\n", journal.Escape(err.Error()))
	}
	if err := apart.Serve(commandSets, os.Stdin, out); err != nil {
		fmt.Fprintf(errOut, "wiped order is a part of wiped serve, which starts it: %s\n", journal.Escape(err.Error()))
		return exitUsage
	}
	return exitDone
}
