package sshd

import (
	"reflect"
	"unsafe"

	gossh "golang.org/x/crypto/ssh"
)

// x/crypto/ssh (v0.58.0 still) reads ahead: its readLoop puts packets into a channel of 16. When the reader of that
// channel gives up, at the end of a failed login or after a protocol error, a readLoop that has a 17th packet in hand waits
// for ever, and its kexLoop with it: two goroutines and up to 4 MB for each connection, for anybody who can reach the
// port, until the machine that erases drives is out of memory. Nothing in the public API lets one empty the channel.
//
// So it is emptied through the back door after each connection. Before user authentication begins there is no way to
// the channel at all; there conn.Read sees to it that no 17 packets fit. TestBugJ fails if the door moves.

// packetsOf finds the read-ahead channel of a connection in the library's private fields; nil if it is not where it
// was.
func packetsOf(preAuth gossh.ServerPreAuthConn) chan []byte {
	transport := field(reflect.ValueOf(preAuth), "transport")
	incoming := field(transport, "incoming")
	if !incoming.IsValid() {
		return nil
	}
	packets, _ := incoming.Interface().(chan []byte)
	return packets
}

// field follows pointers and interfaces to a struct and returns its field, private or not.
func field(v reflect.Value, name string) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || !v.CanAddr() {
		return reflect.Value{}
	}
	f := v.FieldByName(name)
	if !f.IsValid() {
		return f
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

// drain empties the read-ahead of a connection that is closed and that nobody reads any more. It returns when the
// library's readLoop has closed the channel, which is at its next look at the connection.
func drain(packets chan []byte) {
	if packets == nil {
		return
	}
	for range packets {
	}
}
