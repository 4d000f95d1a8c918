//go:build hostile

package main

// cases are the 39 of the project's list, and the auditor. What is left to other suites is said in docs/testing.md: 38, the programs
// of others, is interop_test.go.
func cases() []hostile {
	long := map[string]int64{longDrive: longSize}
	quick := map[string]int64{longDrive: longSize / 4}
	return []hostile{
		{number: 1, name: "stalls and drips before the login", attack: slowLoris, flags: []string{"--login-grace", shortGrace.String()}},
		{number: 2, name: "floods with connections that do not log in", attack: flood},
		{number: 3, name: "guesses keys", attack: guessing},
		{number: 4, name: "comes without a key", attack: otherMethods, brief: true},
		{number: 5, name: "switches the user name", attack: switchedUser, brief: true},
		{number: 6, name: "shows a key it does not hold", attack: borrowedKey, brief: true},
		{number: 7, name: "looks for names that exist", attack: enumeration},
		{number: 8, name: "brings bad keys and signatures", attack: badKeys},
		{number: 9, name: "brings bad certificates", attack: badCertificates},
		{number: 10, name: "brings security keys nobody touched", attack: securityKeys, brief: true},
		{number: 11, name: "goes beyond its line of authorized_keys", attack: lineOptions, brief: true},
		{number: 12, name: "tampers with the key exchange", attack: terrapin, brief: true},
		{number: 13, name: "sends malformed packets", attack: malformed, flags: []string{"--login-grace", shortGrace.String()}, brief: true},
		{number: 14, name: "speaks no SSH or forges log lines", attack: strangeTalkers, flags: []string{"--login-grace", shortGrace.String()}},
		{number: 15, name: "sends 100,000 global requests", attack: globalRequests},
		{number: 16, name: "wants forwarding agents X11 and tunnels", attack: forwarding, brief: true},
		{number: 17, name: "opens 110,000 channels", attack: channels},
		{number: 18, name: "plays with windows and packet sizes", attack: windows},
		{number: 19, name: "wants impossible terminals", attack: oddTerminals, brief: true},
		{number: 20, name: "resizes 100,000 times", attack: resizes},
		{number: 21, name: "sends signals", attack: signals, drives: long},
		{number: 22, name: "sends environment", attack: environment, brief: true},
		{number: 23, name: "sends command lines that are none", attack: commandLines, brief: true},
		{number: 24, name: "asks a session for two things", attack: twice, drives: long, brief: true},
		{number: 25, name: "looks at exit codes and long output", attack: exitCodes, drives: long},
		{number: 26, name: "closes its input early", attack: halfClosed, drives: quick},
		{number: 27, name: "is killed stopped or cut off", attack: lost, drives: long, flags: []string{"--keepalive", "1s"}},
		{number: 28, name: "stands still under status lines", attack: stopped, drives: quick},
		{number: 29, name: "rekeys all the time or never ends it", attack: rekeying, flags: []string{"--keepalive", "2s"}},
		{number: 30, name: "shares one connection", attack: shared, drives: long},
		{number: 31, name: "types rubbish", attack: keyboardRubbish},
		{number: 32, name: "brings escape sequences by every door", attack: escapes, drives: quick},
		{number: 33, name: "answers before it is asked and erases twenty times", attack: typeAhead, drives: quick},
		{number: 34, name: "takes the SSH process down", attack: crashed, drives: long, closed: true},
		{number: 35, name: "stays through a shutdown", attack: shutdown, own: true},
		{number: 36, name: "meets missing and damaged host keys", attack: hostKeyFiles, own: true, brief: true},
		{number: 37, name: "uses up the descriptors", attack: descriptors, own: true},
		{number: 39, name: "connects again and again", attack: soak, race: true},
		{number: 40, name: "audits with ssh-audit", attack: sshAudit, brief: true},
	}
}
