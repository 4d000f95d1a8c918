package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be wiped itself where a script runs it: the same but that its drives can be slow.
func TestMain(m *testing.M) {
	tune = slowable(tune)
	testscript.Main(m, map[string]func(){"wiped": main, "underunit": underUnit})
}

// TestStories runs the scripts of testdata. Their verbs are people, who work a real server with the real ssh:
// see people_test.go, server_test.go and drives_test.go for what each verb does.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               setUpStation,
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                verbs(),
	})
}

// verbs are all that a story can say. What acts on a server of the story's own (server, key NAME OPTIONS, term) says nothing of
// an appliance in a virtual machine.
func verbs() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"server":    cmdServer,
		"key":       cmdKey,
		"admin":     person("admin"),
		"operator":  person("operator"),
		"viewer":    person("viewer"),
		"stranger":  person("stranger"),
		"as":        cmdAs,
		"leave":     cmdLeave,
		"image":     cmdImage,
		"holds":     cmdHolds,
		"loop":      cmdLoop,
		"freed":     cmdFreed,
		"serial":    cmdSerial,
		"slow":      cmdSlow,
		"await":     cmdAwait,
		"eventual":  cmdEventual,
		"bytes":     cmdBytes,
		"send":      cmdSend,
		"harmless":  cmdHarmless,
		"message":   cmdMessage,
		"hold":      cmdHold,
		"release":   cmdRelease,
		"mount":     cmdMount,
		"swap":      cmdSwap,
		"partition": cmdPartition,
		"schema":    cmdSchema,
		"change":    cmdChange,
		"fill":      cmdFill,
		"retype":    cmdRetype,
		"tamper":    cmdTamper,
		"term":      cmdTerm,
		"typist":    cmdTypist,
		"keys":      cmdKeys,
		"tell":      cmdTell,
		"ordered":   cmdOrdered,
		"patterned": cmdPatterned,
		"stream":    cmdStream,
		"fillin":    cmdFillin,
		"sshd":      cmdSSHD,
	}
}

// condition knows [root]. Where skips are forbidden a missing root is an error, not a story left out.
func condition(name string) (bool, error) {
	if name != "root" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	if os.Geteuid() == 0 {
		return true, nil
	}
	if os.Getenv("WIPED_FORBID_SKIP") != "" {
		return false, fmt.Errorf("this story needs root, and WIPED_FORBID_SKIP forbids to leave it out")
	}
	return false, nil
}
