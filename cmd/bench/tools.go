package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const sshd = "/usr/sbin/sshd" // it must be started by its whole path

// tools are the programs of others that are measured or used, and the Debian packages that have them.
var tools = []struct{ program, pkg string }{
	{"fio", "fio"}, {"nwipe", "nwipe"}, {sshd, "openssh-server"}, {"ssh", "openssh-client"}, {"ssh-keygen", "openssh-client"},
	{"dd", "coreutils"}, {"shred", "coreutils"}, {"losetup", "mount"},
}

func missing() (packages []string) {
	for _, t := range tools {
		if _, err := exec.LookPath(t.program); err != nil && !slices.Contains(packages, t.pkg) {
			packages = append(packages, t.pkg)
		}
	}
	return packages
}

// needTools installs what is missing, where there is apt-get.
func needTools(ctx context.Context) error {
	packages := missing()
	if len(packages) == 0 {
		return nil
	}
	next := "Next: install the packages " + strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("programs to compare with are missing. " + next)
	}
	fmt.Fprintln(os.Stderr, "installing", strings.Join(packages, " "))
	if err := install(ctx, packages); err != nil {
		return fmt.Errorf("%w. %s", err, next)
	}
	if packages = missing(); len(packages) > 0 {
		return fmt.Errorf("still missing after their installation: %s", strings.Join(packages, " "))
	}
	return nil
}

// policy is what Debian's packages ask whether they may start their services. A machine that is measured must not begin to serve SSH.
const policy = "/usr/sbin/policy-rc.d"

func install(ctx context.Context, packages []string) error {
	if _, err := os.Stat(policy); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
			return err
		}
		defer os.Remove(policy)
	}
	for _, args := range [][]string{{"update", "-qq"}, append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)} {
		cmd := command(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", args[0], err, lastLines(out))
		}
	}
	return nil
}
