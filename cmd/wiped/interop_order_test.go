//go:build interop

package main

import (
	"io"
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestExitStatusFirst: the exit status goes out before the end of the output. Both ends of output seen, plink closes the channel, and
// what comes after that is nothing to it: under load one in some hundred of its sessions ended with 0, whatever had happened. A job
// that had failed would have been reported as done.
func TestExitStatusFirst(t *testing.T) {
	b := newBench(t, 1<<20, "a.img")
	client, err := ssh.Dial("tcp", b.addr, &ssh.ClientConfig{User: "robot", Auth: []ssh.AuthMethod{ssh.PublicKeys(b.signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	late := 0
	for range 200 {
		channel, requests, err := client.OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Line string }{"job 99"})); err != nil || !ok {
			t.Fatalf("exec: %v, %v", ok, err)
		}
		if _, err := io.ReadAll(channel); err != nil {
			t.Fatal(err)
		}
		select { // what came before the end of the output is there by now
		case r := <-requests:
			if r.Type != "exit-status" || !slices.Equal(r.Payload, []byte{0, 0, 0, 4}) {
				t.Fatalf("%s % x", r.Type, r.Payload)
			}
		default:
			late++
		}
		channel.Close()
	}
	if late > 0 {
		t.Errorf("in %d of 200 sessions the exit status came after the end of the output", late)
	}
}
