package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"

	"wiped/auth"
	"wiped/engine/journal"
	"wiped/shell/privsep"
	"wiped/shell/sshd"
)

const (
	// sshUser is the user that the SSH process becomes, if there is one of this name.
	sshUser = "wiped-sshd"
	// sshUID is whom it becomes otherwise: a number that systemd keeps free of users (61184 to 65519) and that owns nothing.
	sshUID = 62222
)

// startSSH starts the process that speaks SSH on ln.
func (st *station) startSSH(s *settings, ln *net.TCPListener) (err error) {
	st.ssh, err = privsep.Start(privsep.Config{
		Program: "/proc/self/exe", Args: []string{os.Args[0], "sshd"}, User: confinedUser(),
		Listener: ln, HostKeys: st.hostKeys, LookUp: st.keys.LookUp, LoggedIn: st.loggedIn, Handler: st.shell.Serve,
		Log: st.log, LoginGrace: s.loginGrace, Keepalive: s.keepalive,
	})
	return err
}

func confinedUser() int {
	if u, err := user.Lookup(sshUser); err == nil {
		if id, err := strconv.Atoi(u.Uid); err == nil && id != 0 {
			return id
		}
	}
	return sshUID
}

// speakSSH is the SSH process: it talks with strangers, and holds nothing that they might want.
func speakSSH(_ []string, _, errOut io.Writer) int {
	child, err := privsep.Join()
	if err != nil {
		fmt.Fprintf(errOut, "wiped sshd is a part of wiped serve, which starts it: %s\n", journal.Escape(err.Error()))
		return exitUsage
	}
	server, err := sshd.New(sshd.Config{
		HostKeys: child.HostKeys(), Authorize: child.Authorize, IdentityOf: auth.IdentityOf, LoggedIn: child.LoggedIn, Handler: child.Serve,
		Log: child.Log, LoginGrace: child.LoginGrace, Keepalive: child.Keepalive, Limits: sshd.LimitsFor(child.Files),
	})
	if err != nil {
		fmt.Fprintln(errOut, err)
		return exitError
	}
	return child.Run(server)
}

// logResources says what both processes hold, for whoever looks for a leak: kill -USR1.
func (st *station) logResources() {
	st.log.Info("resources", "process", "server", "goroutines", runtime.NumGoroutine(), "descriptors", openFiles(), "resident_bytes", resident(os.Getpid()))
	if pid, held := st.ssh.Child(); pid != 0 {
		st.log.Info("resources", "process", "ssh", "goroutines", held.Goroutines, "descriptors", held.Descriptors, "resident_bytes", resident(pid))
	}
}

func openFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(files) - 1 // the directory itself was one
}

// resident is how much memory of a process is in use, in bytes; 0: not known.
func resident(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	words := strings.Fields(string(text))
	if err != nil || len(words) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(words[1])
	return pages * os.Getpagesize()
}
