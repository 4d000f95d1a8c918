// Package sshd turns SSH into bytes: listener, handshake, channels, terminal requests and signals. It knows who proved
// to be there and what was asked for, and knows nothing of drives, jobs, roles or the words of the shell.
//
// github.com/gliderlabs/ssh and x/crypto/ssh carry the protocol. Their defaults are not safe for a machine that erases
// drives, so this package keeps five rules: it accepts connections itself; it authenticates through the raw
// x/crypto callbacks only and reads the identity from ServerConn.Permissions only; its own net.Conn (conn.go) owns the
// login-grace timer; it answers every channel request itself (channel.go, request.go); and nothing in it waits for one
// client except the goroutines of that client.
package sshd
