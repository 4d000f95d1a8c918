package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
)

// errLength is a script whose length nobody can read.
var errLength = errors.New("it begins with no length")

// shell lets whoever connects run scripts as the one who started it: for a machine that a test made for itself, which has nobody
// else in it. The script is "LENGTH\n" and its text, the answer "CODE LENGTH\n" and all that it printed. It returns when it
// cannot listen.
func shell(args []string) error {
	if len(args) != 1 {
		return errors.New("shell wants HOST:PORT")
	}
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return fmt.Errorf("shell: %w", err)
	}
	fmt.Printf("drivesim: scripts are taken on %s\n", l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			return fmt.Errorf("shell: %w", err)
		}
		go func() {
			defer c.Close()
			if err := runFor(c); err != nil {
				fmt.Fprintf(c, "-1 %d\n%s", len(err.Error()), err)
			}
		}()
	}
}

// runFor runs the script that comes over a connection.
func runFor(c io.ReadWriter) error {
	in := bufio.NewReader(c)
	var length int64
	if line, err := in.ReadString('\n'); err != nil {
		return err
	} else if _, err := fmt.Sscanf(line, "%d\n", &length); err != nil || length < 0 {
		return errLength
	}
	script, err := io.ReadAll(io.LimitReader(in, length))
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.Command("sh", "-s")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(string(script)), &said, &said
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return err
	}
	_, err = fmt.Fprintf(c, "%d %d\n%s", cmd.ProcessState.ExitCode(), said.Len(), said.Bytes())
	return err
}
