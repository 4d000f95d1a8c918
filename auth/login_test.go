package auth

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// handshake logs in as alice over TCP on the loopback and returns who the server says that is.
func handshake(t *testing.T, keys *Keys, signer ssh.Signer) (Identity, error) {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: keys.Authorize}
	config.AddHostKey(newSigner(t))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	type result struct {
		id  Identity
		err error
	}
	done := make(chan result, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			done <- result{err: err}
			return
		}
		defer conn.Close()
		server, _, _, err := ssh.NewServerConn(conn, config)
		if err != nil {
			done <- result{err: err}
			return
		}
		id, _ := IdentityOf(server.Permissions)
		done <- result{id, nil}
	}()
	client, err := ssh.Dial("tcp", listener.Addr().String(), &ssh.ClientConfig{
		User: "alice", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 10 * time.Second,
	})
	if err == nil {
		client.Close()
	}
	r := <-done
	return r.id, r.err
}

func TestLogin(t *testing.T) {
	signer, rsa := newSigner(t), newRSA(t, 2048)
	keys, log := newKeys(t, `role="admin",from="127.0.0.0/8,::1" `+publicText(signer.PublicKey())+" Alice", `from="10.*" `+publicText(rsa.PublicKey()))
	if id, err := handshake(t, keys, signer); err != nil || id.Name != "Alice" || id.Role != Admin {
		t.Errorf("handshake = %+v, %v; want Alice, admin\n%s", id, err, log)
	}
	for name, s := range map[string]ssh.Signer{"wrong address": rsa, "unknown": newSigner(t)} {
		if id, err := handshake(t, keys, s); err == nil {
			t.Errorf("handshake(%s) = %+v; want it refused", name, id)
		}
	}
}

// Whether a security key was touched is judged by the library, from what Authorize says and, unasked, from the certificate.
func TestLoginTouch(t *testing.T) {
	authority := newSigner(t)
	tests := []struct {
		name        string
		certificate bool // log in with one; claimed: it has the extension
		claimed     bool
		option      string
		touched     bool
		want        bool
	}{
		{name: "touched", touched: true, want: true},
		{name: "not touched"},
		{name: "not touched, the line allows it", option: noTouchRequired, want: true},
		{name: "certificate, touched", certificate: true, touched: true, want: true},
		{name: "certificate, not touched", certificate: true},
		{name: "certificate claims, line does not", certificate: true, claimed: true},
		{name: "certificate claims, line does not, touched", certificate: true, claimed: true, touched: true},
		{name: "line allows, certificate does not claim", certificate: true, option: noTouchRequired},
		{name: "line allows, certificate does not claim, touched", certificate: true, option: noTouchRequired, touched: true, want: true},
		{name: "line allows and certificate claims", certificate: true, claimed: true, option: noTouchRequired, want: true},
	}
	for _, test := range tests {
		for kind, key := range map[string]*securityKey{"ed25519": newSecurityKey(t, test.touched), "ecdsa": newSecurityECDSA(t, test.touched)} {
			var signer ssh.Signer = key
			options, listed := []string{`role="viewer"`}, key.public
			if test.certificate {
				c := newCertificate(t, key.public, authority, func(c *ssh.Certificate) {
					if test.claimed {
						c.Extensions[noTouchRequired] = ""
					}
				})
				var err error
				if signer, err = ssh.NewCertSigner(c, key); err != nil {
					t.Fatal(err)
				}
				options, listed = append(options, "cert-authority"), authority.PublicKey()
			}
			if test.option != "" {
				options = append(options, test.option)
			}
			keys, log := newKeys(t, strings.Join(options, ",")+" "+publicText(listed))
			id, err := handshake(t, keys, signer)
			if (err == nil) != test.want {
				t.Errorf("%s, %s: handshake = %+v, %v; want let in %t\n%s", test.name, kind, id, err, test.want, log)
			}
		}
	}
}

// The library checks source-address once more, on what Authorize hands on.
func TestLoginSourceAddress(t *testing.T) {
	authority, key := newSigner(t), newSigner(t)
	keys, _ := newKeys(t, `cert-authority,role="viewer" `+publicText(authority.PublicKey()))
	for list, want := range map[string]bool{"127.0.0.1": true, "127.0.0.0/8,10.0.0.0/8": true, "10.0.0.0/8": false} {
		signer, err := ssh.NewCertSigner(newCertificate(t, key.PublicKey(), authority, critical(sourceAddressOption, list)), key)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := handshake(t, keys, signer); (err == nil) != want {
			t.Errorf("handshake(source-address=%s) = %+v, %v; want let in %t", list, id, err, want)
		}
	}
}
